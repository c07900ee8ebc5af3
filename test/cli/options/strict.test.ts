import { describe, expect, test } from "vitest";
import yargs from "yargs";
import { UsageError } from "../../../src/cli/exit";
import { strict } from "../../../src/cli/options/strict";
import { parserOf } from "../../../src/cli/parser";

/** What yargs knows of a parser; not among its types. */
interface Known {
  getOptions(): {
    key: Record<string, unknown>;
    alias: Record<string, string[]>;
    boolean: string[];
    number: string[];
    array: string[];
    choices: Record<string, string[]>;
    demandedOptions: Record<string, unknown>;
  };
  getInternalMethods(): {
    getCommandInstance(): {
      handlers: Record<string, { builder: unknown; demanded: Positional[]; optional: Positional[] }>;
    };
  };
}

interface Positional {
  cmd: string[];
}

interface Command {
  words: string[];
  positionals: string[];
  options: ReturnType<Known["getOptions"]>;
}

/** Every command that there is, and the commands of commands. */
function commandsOf(parser: unknown, words: string[] = []): Command[] {
  const { handlers } = (parser as Known).getInternalMethods().getCommandInstance();
  return Object.entries(handlers).flatMap(([name, { builder, demanded, optional }]) => {
    if (typeof builder !== "function") return [];
    const inner = yargs([]);
    builder(inner);
    const path = [...words, ...(name === "$0" ? [] : [name])];
    const nested = commandsOf(inner, path);
    const options = (inner as unknown as Known).getOptions();
    const positionals = [...demanded, ...optional].flatMap(({ cmd }) => cmd);
    return [{ words: [...path, ...demanded.map(() => "x")], positionals, options }, ...nested];
  });
}

const known = commandsOf(parserOf([]));
const flags = known.flatMap(({ words, positionals, options }) => {
  const others = new Set(["help", "version", ...positionals, ...Object.values(options.alias).flat()]);
  const names = Object.keys(options.key).filter((name) => !others.has(name));
  const needed = Object.keys(options.demandedOptions).filter((name) => names.includes(name));
  return names.map((name) => ({
    command: words.join(" "),
    name,
    words: [...words, ...needed.filter((one) => one !== name).map((one) => `--${one}=x`)],
    is: {
      switch: options.boolean.includes(name),
      number: options.number.includes(name),
      list: options.array.includes(name),
      choice: options.choices[name] !== undefined,
    },
  }));
});

async function wrongUse(...line: string[]): Promise<string> {
  const run = async () => {
    await parserOf(line).parseAsync();
    throw new Error(`${line.join(" ")} ran`);
  };
  const error = await run().catch((thrown: Error) => thrown);
  expect(error, error.stack).toBeInstanceOf(UsageError);
  return error.message;
}

test("there are flags of every kind, of every command that has any", () => {
  expect(flags.length).toBeGreaterThan(200);
  expect(new Set(flags.map(({ command }) => command.split(" ")[0]))).toEqual(
    new Set(
      "generate chair-eval pope-eval eval sweep chair pope score compare data pope-build methods convert inspect doctor".split(
        " ",
      ),
    ),
  );
});

const commands = [...new Set(flags.map(({ command }) => command))];

describe.each(commands)("%s", (command) => {
  const own = flags.filter((flag) => flag.command === command);
  const values = own.filter(({ is }) => !is.switch);

  test("flags need a value, and not an empty one", async () => {
    for (const { words, name } of values) {
      const lines = [[`--${name}`], [`--${name}`, ""], [`--no-${name}`]];
      for (const line of lines)
        expect(await wrongUse(...words, ...line)).toMatch(new RegExp(`^--${name} has no value`));
    }
  });

  test("flags are given once", async () => {
    for (const { words, name, is } of values)
      if (!is.list)
        expect(await wrongUse(...words, `--${name}=1`, `--${name}=2`)).toBe(
          `--${name} is given 2 times (1, 2); give it once.`,
        );
  });

  test("numbers are numbers, choices one of theirs, as the sentence says", async () => {
    for (const { words, name, is } of values) {
      const [texts, kind] = is.number
        ? [["much", "Infinity", "1,5"], "a (whole )?number"]
        : [is.choice ? ["bogus", "1"] : [], "one of \\w"];
      for (const text of texts)
        expect(await wrongUse(...words, `--${name}=${text}`)).toMatch(
          new RegExp(`^--${name} is "${text}"; expected ${kind}`),
        );
    }
  });

  test("switches take no value", async () => {
    for (const { words, name } of own.filter(({ is }) => is.switch))
      for (const text of ["yes", "false"])
        expect(await wrongUse(...words, `--${name}=${text}`)).toBe(`--${name} takes no value.`);
  });
});

test.each(["num-images", "seed", "batch-size", "workers", "random", "random-seed", "gpu-id"])(
  "--%s counts",
  async (name) => {
    const counts = flags.filter((flag) => flag.name === name && flag.is.number);
    expect(counts.length).toBeGreaterThan(0);
    for (const { words } of counts) {
      for (const text of ["-3", "1.5"])
        expect(await wrongUse(...words, `--${name}`, text)).toMatch(
          new RegExp(`^--${name} is "${text}"; expected a whole number of at least [01]\\.$`),
        );
    }
  },
);

test("what is well said is read as it was said", () => {
  const table = {
    alpha: { type: "number" },
    count: { type: "number", whole: true, min: 0, default: 5, alias: "number-of" },
    name: { type: "string", default: "x" },
    kind: { choices: ["a", "b"], default: "a" },
    many: { type: "string", array: true },
    on: { type: "boolean", default: false },
    off: { type: "boolean" },
  } as const;
  const read = (...line: string[]) => yargs(line).options(strict(table)).parseSync();
  expect(read()).toMatchObject({ count: 5, name: "x", kind: "a", on: false });
  expect(read()).not.toHaveProperty("off");
  expect(read()).not.toHaveProperty("alpha");
  const line = "--alpha -.5 --number-of 1e3 --name 007 --kind b --many 1 2 --many=3 --on --no-off".split(" ");
  expect(read(...line)).toMatchObject({
    ...{ alpha: -0.5, count: 1000, numberOf: 1000, "number-of": 1000, name: "007", kind: "b" },
    ...{ many: ["1", "2", "3"], on: true, off: false },
  });
  expect(read("--alpha=-1e-3").alpha).toBe(-0.001);
});

test.each(known.filter(({ words }) => words.includes("x")).map(({ words }) => [words]))(
  "%j: a positional argument is not empty",
  async (words) => {
    expect(await wrongUse(...words.map((word) => (word === "x" ? "" : word)))).toMatch(/^<\w+> has no value/);
  },
);

const image = "demo/data/val2014/COCO_val2014_000000001011.png";
const [generate, chairEval, popeEval] = [
  `generate --image ${image}`,
  "chair-eval --out never",
  "pope-eval --data-path demo/data/val2014 --out never",
];
const layers = "--start-layer 2 --end-layer 4";
test.each([
  [generate, layers, "--start-layer belongs to an edit of attention"],
  [generate, "--no-use-aai --alpha 0.3", "--alpha belongs to an edit of attention"],
  [generate, "--attention none --warmup 3", "--warmup belongs to an edit of attention"],
  [generate, "--use-aai --start-layer 4 --end-layer 2", "--start-layer 4 --end-layer 2 are no layers"],
  [generate, "--contrast dola --early-layers 1,,2", '--early-layers is "1,,2"; expected numbers'],
  [generate, "--contrast dola --early-layers 1.5,2", '--early-layers is "1.5,2"; expected numbers'],
  [generate, "--reference-mode corrected", "--reference-mode belongs to an edit of attention"],
  [generate, `--attention pai ${layers} --beta 2`, "--attention pai takes no --beta"],
  [generate, "--cd-alpha 1", "--cd-alpha belongs to a contrast"],
  [generate, "--contrast none --keep 3", "--keep belongs to a contrast"],
  [generate, "--contrast vcd --gamma 2", "--contrast vcd takes no --gamma"],
  [generate, "--search greedy --beam 3", "--search greedy takes no --beam"],
  [generate, "--search beam --top-k 3", "--search beam takes no --top-k"],
  [generate, "--set alpha=1", 'there is no "alpha" among the parameters of greedy'],
  [generate, "--device cpu --gpu-id 0", "--device has no effect beside --gpu-id"],
  [generate, "--revision main", "--revision has no effect on "],
  [chairEval, "--ids demo --num-images 3", "--num-images has no effect beside --ids"],
  [chairEval, "--ids demo --seed 3", "--seed has no effect beside --ids"],
  [chairEval, "--ground-truth x.json --instances-only", "--instances-only has no effect without --coco-path"],
  [chairEval, layers, "--start-layer belongs to an edit of attention"],
  [popeEval, "--questions x --pope-folder y", "--pope-folder has no effect beside --questions"],
  [popeEval, "--questions x --pope-type random", "--pope-type has no effect beside --questions"],
  [popeEval, layers, "--start-layer belongs to an edit of attention"],
  ["chair --cap-file x --ground-truth y", "--json --format csv", "--format has no effect beside --json"],
  [
    "chair --cap-file x --ground-truth y",
    "--instances-only",
    "--instances-only has no effect without --coco-path",
  ],
  ["pope --questions x --answers y", "--json --format csv", "--format has no effect beside --json"],
  ["sweep --out never", "--random-seed 1", "--random-seed has no effect without --random"],
  ["sweep --out never", "--likelihood", "--likelihood has no effect without POPE's questions"],
  ["sweep --out never", "--rule vcd", "--rule has no effect without POPE's questions"],
  ["sweep --out never", "--questions x --ids demo", "--ids has no effect on POPE's questions"],
  ["sweep --out never", "--questions x --num-images 3", "--num-images has no effect on POPE's questions"],
  ["sweep --out never", "--ids demo --seed 3", "--seed has no effect beside --ids"],
  ["sweep --out never", "--gpu-id 0 --workers 2", "--workers has no effect beside --gpu-id"],
  ["sweep --out never", "--gpu-id 0 --device cpu", "--device has no effect beside --gpu-id"],
  ["sweep --out never", "--gpu-id=-1", '--gpu-id is "-1"; expected numbers such as'],
  ["sweep --out never", "--alpha 0.1 --axis attention.alpha=0.2", "The axis attention.alpha is given twice"],
  ["sweep --out never", "--alpha much", "grid › attention.alpha"],
  ["sweep --out never", "--alpha 0.1,,0.2", "grid › attention.alpha"],
  ["sweep --out never", "--layers 2-x", '--layers is "2-x"; expected START-END'],
])("aai %s %s is wrong use", async (command, more, message) => {
  expect(await wrongUse(...command.split(" "), ...more.split(" "))).toContain(message);
});
