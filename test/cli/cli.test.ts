import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, expect, inject, test } from "vitest";
import { readPope } from "../../src/benchmarks";
import { opera } from "../../src/methods";

const root = join(__dirname, "../..");
const image = "demo/data/val2014/COCO_val2014_000000001011.png";
const folder = mkdtempSync(join(tmpdir(), "cli-"));
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]) => execa("node", [inject("aai"), ...args], { cwd: root, reject: false });

test("--help names every command", async () => {
  const { stdout, exitCode } = await run("--help");
  for (const name of [
    "generate",
    "chair-eval",
    "pope-eval",
    "chair",
    "compare",
    "pope-build",
    "methods",
    "convert",
    "inspect",
    "doctor",
    "setup",
  ]) {
    expect(stdout).toContain(`aai ${name}`);
  }
  expect(exitCode).toBe(0);
});

test.each([
  ["no command", [], "Name a command"],
  ["an unknown command", ["bogus"], "bogus"],
  ["an unknown flag", ["generate", "--image", image, "--alhpa", "1"], "alhpa"],
  ["a missing flag", ["generate"], "image"],
  [
    "a number that is none",
    ["generate", "--image", image, "--alpha", "much"],
    '--alpha is "much"; expected a number',
  ],
  ["half a layer range", ["generate", "--image", image, "--use-aai", "--start-layer", "2"], "--end-layer"],
  ["both ground truths", ["chair", "--cap-file", "x", "--coco-path", "y", "--ground-truth", "z"], "not both"],
  [
    "a contrast's flag alone",
    ["generate", "--image", image, "--cd-alpha", "2"],
    "--cd-alpha belongs to a contrast",
  ],
  [
    "a flag of another contrast",
    ["generate", "--image", image, "--contrast", "vcd", "--gamma", "2"],
    "--contrast vcd takes no --gamma",
  ],
  [
    "a flag of another edit",
    ["generate", "--image", image, "--attention", "pai", "--beta", "2"],
    "--attention pai takes no --beta",
  ],
])("%s is wrong use: a sentence, exit code 2", async (_, args, part) => {
  const { stderr, exitCode } = await run(...args);
  expect(stderr).toContain(part);
  expect(stderr).not.toContain("    at ");
  expect(exitCode).toBe(2);
});

test.each([
  ["a missing image", ["generate", "--image", "/no/such.png"], "no image file"],
  ["a file that is no image", ["generate", "--image", "package.json"], "not an image"],
  ["a folder that is no checkpoint", ["generate", "--image", image, "--model", "src"], "no checkpoint"],
  ["captions that are not there", ["chair", "--cap-file", "/no.jsonl", "--ground-truth", "/no.json"], "/no"],
  [
    "an experiment's folder that is none",
    ["compare", "src", "test", "--ground-truth", "x"],
    "no experiment's folder",
  ],
])("%s is a failure: a sentence, exit code 1", async (_, args, part) => {
  const { stderr, exitCode } = await run(...args);
  expect(stderr).toContain(part);
  expect(stderr).not.toContain("    at ");
  expect(exitCode).toBe(1);
});

test("generate streams text; --json tells tokens, timings and attestation", async () => {
  const args = ["generate", "--image", image, "--alpha", "0.1", "--max-new-tokens", "16"];
  const [plain, json] = [await run(...args), await run(...args, "--json")];
  const result = JSON.parse(json.stdout);
  expect(plain.stdout).toBe(result.text);
  expect(result.tokenIds).toHaveLength(16);
  expect(result.attestation).toMatchObject([{ method: "aai", layers: [2, 3, 4, 5], steps: 10 }]);
});

test("generate with methods of one's own, or a sentence why not", async () => {
  const own = ["--plugin", "scripts/own_method.py", "--attention", "focus", "--contrast", "doubt"];
  const args = ["generate", "--image", image, "--max-new-tokens", "16", ...own, "--json"];
  const { stdout } = await run(...args, "--set", "focus.alpha=0.5", "--start-layer", "2", "--end-layer", "4");
  const { attestation, contrasts } = JSON.parse(stdout);
  expect(attestation).toMatchObject([{ method: "focus", layers: [2, 3], steps: 16 }]);
  expect(contrasts).toMatchObject([{ method: "doubt", secondStream: true, steps: 16 }]);
  const wrong = await run(...args, "--set", "doubt.wieght=2");
  expect(wrong.stderr).toContain('doubt has no parameter "wieght"; it has weight (float), sure (float).');
  expect(wrong.exitCode).toBe(2);
});

test("evaluate, resume, score and compare on the demo world", async () => {
  const annotations = ["--coco-path", "demo/data/annotations"];
  const evaluate = (name: string, ...more: string[]) =>
    run(
      "chair-eval",
      "--num-images",
      "6",
      "--max-new-tokens",
      "48",
      "--batch-size",
      "6",
      "--out",
      join(folder, name),
      ...more,
    );
  const plain = await evaluate("plain");
  expect(plain.stdout).toContain("CHAIRi %");
  expect((await evaluate("aai", "--use-aai", "--alpha", "0.2")).exitCode).toBe(0);
  const before = readFileSync(join(folder, "plain/samples.jsonl"), "utf8");
  expect((await evaluate("plain")).stdout).toBe(plain.stdout);
  expect(readFileSync(join(folder, "plain/samples.jsonl"), "utf8")).toBe(before);
  const mixed = await evaluate("plain", "--use-aai");
  expect(mixed.exitCode).toBe(1);
  expect(mixed.stderr).toContain("other settings");

  const scored = await run(
    "chair",
    "--cap-file",
    join(folder, "plain/captions.jsonl"),
    ...annotations,
    "--json",
  );
  const { overall_metrics } = JSON.parse(scored.stdout);
  const [{ cells }] = JSON.parse(readFileSync(join(folder, "plain/results.json"), "utf8"));
  expect(overall_metrics).toEqual(cells[0].figures);

  const compared = await run("compare", join(folder, "plain"), join(folder, "aai"));
  expect(compared.stdout).toMatch(/B changed CHAIRi by .* on 6 images/);
});

test("a dry run says what an evaluation would take, and writes nothing", async () => {
  const out = join(folder, "dry");
  const { stdout, exitCode } = await run("chair-eval", "--num-images", "4", "--out", out, "--dry-run");
  expect(stdout).toMatch(
    /^1 cell × 4 images = 4 rows, of which 0 need no prefill of their own\.\nAbout \d+ s with 1 worker /,
  );
  expect(exitCode).toBe(0);
  expect(existsSync(out)).toBe(false);
});

test("an evaluation with two workers says what one says; a flag given twice is refused", async () => {
  const args = ["chair-eval", "--num-images", "6", "--max-new-tokens", "24"];
  const captionsOf = async (name: string, ...more: string[]) => {
    await run(...args, "--out", join(folder, name), ...more);
    return readFileSync(join(folder, name, "captions.jsonl"), "utf8");
  };
  expect(await captionsOf("two workers", "--workers", "2")).toBe(await captionsOf("one worker"));
  const both = await run(...args, "--gpu-id", "0,1", "--workers", "2");
  expect(both.stderr).toContain("--workers");
  expect(both.exitCode).toBe(2);
});

test("OPERA under AAI, end to end, and continued where nothing is left to do", async () => {
  const out = join(folder, "opera");
  const flags = ["--attention", "aai", "--search", "opera", "--beam", "3", "--threshold", "4"];
  const evaluate = () =>
    run("chair-eval", ...flags, "--num-images", "2", "--max-new-tokens", "40", "--out", out);
  const done = await evaluate();
  expect(done.stdout).toContain("CHAIRi %");
  expect(done.stdout).toContain(`2 captions in ${join(out, "captions.jsonl")}`);
  const samples = readFileSync(join(out, "samples.jsonl"), "utf8").trim().split("\n");
  expect(samples.map((line) => JSON.parse(line))).toEqual(
    Array(2).fill(expect.objectContaining({ status: "done", answer: expect.stringMatching(/\w+ \w+/) })),
  );
  const { decoding } = JSON.parse(readFileSync(join(out, "experiment.json"), "utf8")).cells[0];
  expect(decoding.attention).toMatchObject([{ parameters: { method: "aai", alpha: 0.3, warmup: 5 } }]);
  expect(decoding.search).toEqual({ ...opera({ numBeams: 3, threshold: 4, maxNewTokens: 40 }) });

  const again = await evaluate();
  expect(again.stdout).toBe(done.stdout);
  expect(again.stderr).toMatch(/^captions {2}2\/2 {2}CHAIRi/m); // no rate: nothing was left to do
});

test("build POPE's questions, ask them, and be told what the warm-up means", async () => {
  const data = ["--data-path", "demo/data/val2014"];
  const built = await run(
    "pope-build",
    ...data,
    "--coco-path",
    "demo/data/annotations",
    "--num-images",
    "4",
    "--out",
    join(folder, "pope"),
  );
  expect(built.stdout).toContain("coco_pope_adversarial.json: 24 questions");
  const asked = await run(
    "pope-eval",
    ...data,
    "--pope-folder",
    join(folder, "pope"),
    "--use-aai",
    "--max-new-tokens",
    "4",
    "--out",
    join(folder, "answers"),
  );
  expect(asked.stdout).toMatch(/^random .*\n.*popular.*\n.*adversarial.*\n.*mean/m);
  expect(asked.stdout).toContain("--warmup -1 edits from the first token");
  expect(asked.stdout).not.toContain("no step of any row");
  expect(asked.stderr).toContain("aai: no step of any row was edited by aai: every answer ended");
});

test("any benchmark: which files it needs, answered by a model, scored from a file, compared", async () => {
  const [folderOf, split] = [(name: string) => join(folder, name), "coco_pope_random.json"];
  const built = ["pope-build", "--data-path", "demo/data/val2014", "--coco-path", "demo/data/annotations"];
  await run(...built, "--num-images", "4", "--out", folderOf("asked"));
  const questions = join(folderOf("asked"), split);
  const about = ["--questions", questions, "--images", "demo/data/val2014"];
  expect((await run("data", "pope")).stdout).toContain("licence  MIT");
  expect((await run("data", "pope", ...about)).stdout).toContain(
    "24 items about 4 images.\n4 of 4 image files are there.",
  );

  const plain = await run("eval", "pope", ...about, "--out", folderOf("eval/plain"));
  expect(plain.stdout).toMatch(/^random +\d/m);
  expect(plain.stdout).toContain("24 answers in");
  await run("eval", "pope", ...about, "--alpha", "0.2", "--warmup", "-1", "--out", folderOf("eval/aai"));
  const compared = await run("compare", folderOf("eval/plain"), folderOf("eval/aai"));
  expect(compared.stdout).toContain("McNemar p =");
  expect((await run("eval", "pope", "--questions", questions)).stderr).toContain(
    "give them the folder of images",
  );

  const labels = ["--labels", questions];
  const scored = await run("score", "repope", "--questions", questions, ...labels, "--answers", questions);
  expect(scored.stderr).toContain("24 of 24 answers are their questions");
  const answers = folderOf("answers of others.jsonl");
  const lines = readPope(questions).map(({ question_id, label }) =>
    JSON.stringify({ question_id, answer: label }),
  );
  writeFileSync(answers, lines.join("\n"));
  const right = await run("score", "repope", "--questions", questions, ...labels, "--answers", answers);
  expect(right.stdout).toMatch(/^RePOPE random +100\.0 \[100\.0, 100\.0\]/m);
  expect(right.stdout).toContain("24 answers, read as records of question_id and answer");
  writeFileSync(answers, lines.slice(1).join("\n"));
  const short = await run("score", "pope", "--questions", questions, "--answers", answers);
  expect(short.stderr).toContain("1 questions have no answer (id 1)");
  expect(short.exitCode).toBe(1);
});

test("POPE's questions are about images, whatever lies beside them; what is left out is counted", async () => {
  const images = join(folder, "beside");
  mkdirSync(images);
  const names = ["COCO_val2014_000000001007.png", "00042.png", "00042.txt", "cat.gif", "._cat.gif"];
  for (const name of names) writeFileSync(join(images, name), "");
  const truth = join(folder, "beside.json");
  writeFileSync(
    truth,
    '{"1007": ["cat", "dog", "bus"], "00042": ["car", "bed", "cup"], "42": ["tie", "bus", "cat"]}',
  );
  const out = join(folder, "beside-pope");
  const built = await run("pope-build", "--data-path", images, "--ground-truth", truth, "--out", out);
  expect(built.stdout).toContain("coco_pope_random.json: 12 questions about 2 images");
  expect(built.stderr).toContain(`2 of 5 names in ${images} are no images: ._cat.gif, 00042.txt.`);
  expect(built.stderr).toContain("1 of 3 images have no ground truth, and are not asked about");
  const asked = readPope(join(out, "coco_pope_random.json")).map(({ image }) => image);
  expect(new Set(asked)).toEqual(new Set(["COCO_val2014_000000001007.png", "00042.png"]));

  writeFileSync(join(images, "00042.jpg"), "");
  const twice = await run("pope-build", "--data-path", images, "--ground-truth", truth, "--out", out);
  expect(twice.stderr).toContain("00042.jpg and 00042.png in");
  expect(twice.exitCode).toBe(1);
});

test("the truth beside the reply is not scored; --answer-key says which is which", async () => {
  const [questions, answers] = ["random.json", "answers.jsonl"].map((name) => join(folder, name));
  const lines = ["yes", "no"].map((label, question_id) => ({
    question_id,
    image: "a.png",
    text: "A dog?",
    label,
  }));
  const lies = lines.map(({ question_id, label }) => ({
    ...{ question_id, answer: label, response: label === "yes" ? "No." : "Yes." },
  }));
  for (const [file, records] of [
    [questions!, lines],
    [answers!, lies],
  ] as const)
    writeFileSync(file, records.map((record) => JSON.stringify(record)).join("\n"));
  const score = (...more: string[]) =>
    run("pope", "--questions", questions!, "--answers", answers!, "--json", ...more);
  const doubt = await score();
  expect(doubt.exitCode).toBe(1);
  expect(doubt.stderr).toContain('the reply could be "answer" or "response"; say which with --answer-key');
  expect(JSON.parse((await score("--answer-key", "response")).stdout).metrics["random accuracy"]).toBe(0);
  const twice = await run("pope", "--questions", questions!, questions!, "--answers", answers!, answers!);
  expect(twice.exitCode).toBe(1);
  expect(twice.stderr).toContain("have the same content; give it once");
});

test("an image that cannot be read fails alone, and the figures say of how many they are", async () => {
  const images = join(folder, "dangling");
  mkdirSync(images);
  copyFileSync(join(root, image), join(images, "a.png"));
  writeFileSync(join(images, "notes.txt"), "");
  symlinkSync("/nowhere/b.png", join(images, "b.png"));
  const args = ["--data-path", images, "--num-images", "5", "--max-new-tokens", "4"];
  const { stdout, stderr, exitCode } = await run(
    "chair-eval",
    ...args,
    "--out",
    join(folder, "dangling-run"),
  );
  expect(stdout).toContain("1 captions of 2 images in ");
  expect(stderr).toContain(`aai: 1 of 3 names in ${images} are no images: notes.txt.`);
  expect(stderr).toContain(`aai: 5 images were asked for; ${images} has 2.`);
  expect(stderr).toContain("b: There is no image file at");
  expect(exitCode).toBe(1);
});

test("a ground truth that lacks an image is named", async () => {
  const captions = join(folder, "captions.jsonl");
  const truth = join(folder, "truth.json");
  writeFileSync(captions, '{"image_id": 7, "caption": "A dog."}\n');
  writeFileSync(truth, '{"8": ["dog"]}');
  const { stderr, exitCode } = await run("chair", "--cap-file", captions, "--ground-truth", truth);
  expect(stderr).toMatch(/no ground truth.*: 7/);
  expect(exitCode).toBe(1);
});
