import { resultsTable } from "../../src/benchmarks/tables";
import { aai, compare, greedy, type Model, none, type PopeAnswer, pope, verdict } from "../../src/index";
import { startProgress } from "../../src/report/progress";
import { renderTable } from "../../src/report/tables";
import { groundTruth, imageFolder, imageName, shownAlpha } from "./world";

const batchSize = 60;
/** A one-word answer comes before AAI's warm-up of 5 tokens ends: here the edit acts from the first token. */
const settings = [
  { name: "plain", attention: none },
  { name: `AAI, alpha ${shownAlpha}, warm-up -1`, attention: aai({ alpha: shownAlpha, warmup: -1 }) },
];

/** Asks POPE's questions about images with three objects or more, prints the scores and what AAI changed. */
export async function compareAnswers(model: Model, ids: readonly string[], images: number): Promise<void> {
  const eligible = ids.filter((id) => groundTruth[id]!.length >= 3).slice(0, images);
  if (eligible.length === 0) return;
  const questions = pope.build(groundTruth, { images: eligible, seed: 0, imageName });
  const progress = startProgress("answers", questions.length * settings.length);
  const runs = [];
  for (const [index, { name, attention }] of settings.entries()) {
    const answers: PopeAnswer[] = [];
    for (let at = 0; at < questions.length; at += batchSize) {
      const batch = questions.slice(at, at + batchSize);
      const requests = batch.map(({ image, text }) => ({
        image: `${imageFolder}/${image}`,
        prompt: text,
        attention,
      }));
      const { rows } = await model.generateBatch(requests, { search: greedy({ maxNewTokens: 4 }) }).result();
      for (const row of rows) {
        if (row.status === "failed") throw row.error;
        answers.push({ ...batch[row.row]!, answer: row.text });
      }
      progress.update(index * questions.length + at + batch.length, name);
    }
    runs.push({ name, result: pope.score(answers, "opera") });
  }
  progress.end();

  const rows = runs.map(({ name, result }) => ({
    name,
    values: result.metrics,
    intervals: result.intervals,
  }));
  const splits = ["random", "popular", "adversarial", "mean"].map((split) => `${split} accuracy`);
  console.log(`\nPOPE, ${questions.length} questions about ${eligible.length} images:\n`);
  console.log(renderTable(resultsTable(rows, pope().figures, [...splits, "mean F1", "mean yesRatio"])));
  console.log();
  const [plain, ...edited] = runs;
  for (const { name, result } of edited)
    console.log(verdict(compare(plain!.result, result), "mean accuracy", name));
}
