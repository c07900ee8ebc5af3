import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import yargs from "yargs";
import { compareCommand } from "../../src/cli/commands/compare";

const folder = mkdtempSync(join(tmpdir(), "cli-compare-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the command in this process; what it prints. */
async function compare(...args: string[]): Promise<string> {
  const out = vi.spyOn(console, "log").mockImplementation(() => {});
  try {
    await yargs(["compare", ...args])
      .command(compareCommand)
      .strict()
      .exitProcess(false)
      .fail((message, error) => {
        throw error ?? new Error(message);
      })
      .parseAsync();
    return out.mock.calls.map(([line]) => String(line)).join("\n");
  } finally {
    out.mockRestore();
  }
}

interface Item {
  name: string;
  image: string;
  fields: Record<string, unknown>;
  reference?: readonly string[];
}

interface Answers {
  /** Cell name -> item name -> answer. */
  [cell: string]: Readonly<Record<string, string>>;
}

/** An experiment's folder, whose cells have the ids c1, c2 … */
function write(
  name: string,
  benchmark: string,
  metrics: readonly object[],
  items: readonly Item[],
  answers: Answers,
): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  const names = Object.keys(answers);
  const cells = names.map((cell, i) => ({
    id: `c${i + 1}`,
    name: cell,
    settings: {},
    points: [],
    baseline: "c1",
  }));
  const description = { benchmark, metrics, cells, drops: [], runs: [], scheduler: {}, ended: true };
  writeFileSync(join(path, "experiment.json"), JSON.stringify({ format: 2, ...description }));
  const stored = items.map((item) => ({ id: `id of ${item.name}`, ...item }));
  writeFileSync(join(path, "items.json"), JSON.stringify({ format: 2, items: stored }));
  const records = names.flatMap((cell, i) =>
    stored
      .filter((item) => answers[cell]![item.name] !== undefined)
      .map((item) => ({
        ...{ key: `c${i + 1} ${item.id}`, status: "done", cell: `c${i + 1}`, item: item.id },
        answer: answers[cell]![item.name],
      })),
  );
  writeFileSync(join(path, "samples.jsonl"), records.map((record) => `${JSON.stringify(record)}\n`).join(""));
  return path;
}

const splits = ["random", "popular", "adversarial"];
const objects = ["dog", "cat", "bus"];

/** Each image's question about a dog is in all splits, the others are the splits' own. */
function popeRun(
  name: string,
  asked: readonly string[],
  isRight: (image: number, object: string) => boolean,
  rule = "opera",
) {
  const questions = asked.flatMap((split) =>
    Array.from({ length: 12 }, (_, image) =>
      ["dog", objects[1 + (splits.indexOf(split) % 2)]!].map((object) => ({ split, image, object })),
    ).flat(),
  );
  const nameOf = ({ split, image, object }: (typeof questions)[number]) => `${split} ${image} ${object}`;
  const items = questions.map((one) => {
    const { split, image, object } = one;
    const text = `Is there a ${object}?`;
    const question = { question_id: `${image} ${object}`, image: `${image}.jpg`, text, split, label: "yes" };
    return { name: nameOf(one), image: `${image}.jpg`, fields: { question } };
  });
  const answers = questions.map((one) => [nameOf(one), isRight(one.image, one.object) ? "Yes" : "No"]);
  return write(name, "pope", [{ metric: "pope", rule }], items, { plain: Object.fromEntries(answers) });
}

test("runs of one split are compared in their own figures, each p with what it is of", async () => {
  const a = popeRun("one/a", ["random"], () => true);
  const b = popeRun("one/b", ["random"], (image, object) => object === "dog" || image > 2);
  const printed = await compare(a, b);
  expect(printed).toContain("McNemar p = 0.25 on right answers, 24 questions");
  expect(printed).toMatch(/^Wilcoxon p = 0\.25 on accuracy of every image$/m); // SciPy: wilcoxon([-.5] * 3 + [0] * 9), exact
  expect(printed).toMatch(/^B changed random accuracy by −12\.5 .* on 12 images \(24 questions\)$/m);
  expect(printed).toMatch(/^B changed random F1 /m);
  expect(printed).toMatch(/^broken: 3 \(0\.jpg Is there a cat\?/m);
});

test("runs of three splits: a question that all of them ask is one", async () => {
  const a = popeRun("three/a", splits, () => true);
  const b = popeRun("three/b", splits, (image, object) => object !== "dog" || image > 2);
  const printed = await compare(a, b);
  expect(printed).toContain("McNemar p = 0.25 on right answers, 36 distinct questions of 72");
  expect(printed).toContain("on accuracy of every image, each of its distinct questions once");
  expect(printed).toMatch(/^B changed mean accuracy by .* on 12 images \(36 distinct questions of 72\)$/m);
  expect(printed).toMatch(/^broken: 3 /m);
  const { tested, pValues } = JSON.parse(await compare(a, b, "--json"));
  expect(pValues.mcnemar).toBeCloseTo(0.25, 12);
  expect(tested.mcnemar).toContain("36 distinct");
});

test("the rule is the one that the folders were scored by, and is asked for where they disagree", async () => {
  const [a, b] = ["rules/a", "rules/b"].map((name) => popeRun(name, ["random"], () => true, "vcd"));
  const c = popeRun("rules/c", ["random"], () => true, "exact");
  expect(await compare(a!, b!)).toContain("random accuracy");
  await expect(compare(a!, c)).rejects.toThrow(
    'were scored differently (rule: "vcd" → "exact"); choose with --rule.',
  );
  expect(await compare(a!, c, "--rule", "opera")).toContain("random accuracy");
});

const truth = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [String(i + 1), ["dog"]]));
const images = (known: Record<string, string[]> | null = truth): Item[] =>
  Object.keys(truth).map((id) => ({
    ...{ name: id, image: `${id}.png`, fields: { image_id: Number(id) } },
    ...(known && { reference: known[id]! }),
  }));
/** Captions of images 1 to 40; the given ones name a cat that is not there. */
const captions = (wrong: (image: number) => boolean, count = 40) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [String(i + 1), wrong(i + 1) ? "A dog and a cat." : "A dog."]),
  );
const chairRun = (
  name: string,
  wrong: (image: number) => boolean,
  known: Record<string, string[]> | null = truth,
) => write(name, "chair", known ? [{ metric: "chair" }] : [], images(known), { plain: captions(wrong) });

test("caption runs are scored by the ground truth that their folders keep", async () => {
  const [a, b] = [chairRun("chair/a", () => false), chairRun("chair/b", (image) => image <= 4)];
  const printed = await compare(a, b);
  expect(printed).toContain("McNemar p = 0.13 on captions with a hallucination"); // binomtest(0, 4): .125
  expect(printed).toContain("on CHAIRi of every image");
  expect(printed).toMatch(/^B changed CHAIRs by 10\.0 .* on 40 images$/m);
  const bare = chairRun("chair/bare", () => false, null);
  expect(await compare(bare, b)).toContain("B changed CHAIRs by 10.0");
});

test("without one, or with two that differ, the ground truth is asked for", async () => {
  const [a, b] = ["bare/a", "bare/b"].map((name) => chairRun(name, () => false, null));
  await expect(compare(a!, b!)).rejects.toThrow(/Neither .* was made with a ground truth; give --coco-path/);
  const other = chairRun("bare/other", () => false, { ...truth, "7": ["dog", "cat"] });
  const usual = chairRun("bare/usual", () => false);
  await expect(compare(usual, other)).rejects.toThrow("different ground truths (7: dog, and cat, dog)");
});

/** A sweep of two cells, the second of which was dropped after 30 images. */
const sweep = (name: string) =>
  write(name, "chair", [{ metric: "chair" }], images(), {
    "plain, prompt #1": captions(() => false),
    "alpha 0.1": captions((image) => image <= 4, 30),
  });

test("cells of a sweep are compared by name or id, on what both have answered", async () => {
  const folder = sweep("swept");
  const printed = await compare(`${folder}#plain, prompt #1`, `${folder}#c2`);
  expect(printed).toMatch(/^A: .*swept#plain, prompt #1, 40 answers$/m);
  expect(printed).toMatch(/^B: .*swept#c2, 30 answers$/m);
  expect(printed).toContain("Compared on the 30 answers that both have.");
  expect(printed).toMatch(/^B changed CHAIRs by 13\.3 .* on 30 images$/m);
  const run = chairRun("beside", () => false);
  expect(await compare(run, `${folder}#plain, prompt #1`)).toMatch(
    /^B changed CHAIRs by 0\.0 .* on 40 images$/m,
  );
  await expect(compare(run, `${folder}#alpha 0.1`)).rejects.toThrow(
    "not about the same images: 10 are only in the first",
  );
});

test("a sweep without a cell, or with one that it has not, is told its cells", async () => {
  const folder = sweep("named");
  await expect(compare(folder, folder)).rejects.toThrow(
    `${folder} has 2 cells; name one of them behind a #: "${folder}#plain, prompt #1", "${folder}#alpha 0.1"`,
  );
  await expect(compare(`${folder}#best`, folder)).rejects.toThrow('has no cell "best"');
});

test("runs of two kinds, and runs without answers, are refused", async () => {
  const [captioned, asked] = [chairRun("kinds/a", () => false), popeRun("kinds/b", ["random"], () => true)];
  await expect(compare(captioned, asked)).rejects.toThrow(/is of chair, .* of pope/);
  const empty = write("kinds/empty", "chair", [], images(), { plain: {} });
  await expect(compare(empty, captioned)).rejects.toThrow("holds no finished sample yet");
});

test("--rule is one of the benchmark's own", async () => {
  const asked = [1, 2].map((id) => ({
    ...{ name: `count ${id}`, image: "a.jpg" },
    fields: {
      question: {
        question_id: id,
        image: "count/a.jpg",
        text: `Are there ${id}?`,
        label: "yes",
        setting: "count",
      },
    },
  }));
  const [a, b] = ["Yes", "No"].map((reply) =>
    write(`mme/${reply}`, "mme", [{ metric: "mme", rule: "official" }], asked, {
      plain: { "count 1": "Yes", "count 2": reply },
    }),
  );
  expect(await compare(a!, b!, "--rule", "shield")).toContain("total accuracy");
  await expect(compare(a!, b!, "--rule", "opera")).rejects.toThrow(
    /^--rule: Invalid option: expected one of "official"/,
  );
});

test("flags that change nothing of these answers are refused", async () => {
  const [captioned, asked] = [chairRun("idle/a", () => false), popeRun("idle/b", ["random"], () => true)];
  await expect(compare(captioned, captioned, "--rule", "vcd")).rejects.toThrow(
    `--rule changes nothing of ${captioned}, which is of chair`,
  );
  const file = join(folder, "truth.json");
  writeFileSync(file, JSON.stringify(truth));
  await expect(compare(asked, asked, "--ground-truth", file)).rejects.toThrow(
    `A ground truth changes nothing of ${asked}, which is of pope`,
  );
});

test("one name for two pictures does not compare", async () => {
  const [a, b] = ["pictures/a", "pictures/b"].map((name) => chairRun(name, () => false));
  for (const name of ["items.json", "samples.jsonl"]) {
    const file = join(b!, name);
    writeFileSync(file, readFileSync(file, "utf8").replaceAll("id of 7", "id of another 7"));
  }
  await expect(compare(a!, b!)).rejects.toThrow(
    "are about different pictures of the same names: 1 of 40 (7)",
  );
});

test("a folder of an earlier version is refused with a sentence", async () => {
  const earlier = join(folder, "earlier");
  mkdirSync(earlier);
  writeFileSync(join(earlier, "run.json"), "{}");
  await expect(compare(earlier, earlier)).rejects.toThrow("was made by an earlier version (it has run.json)");
});
