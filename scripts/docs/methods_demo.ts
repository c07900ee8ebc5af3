import { renderTable } from "../../src/report/tables";
import { readResults } from "../methods_demo/results";
import { answerTables, captionTables } from "../methods_demo/tables";

/** Every method's figures on the demo world, from `docs/methods_demo.json`; `npm run demo:methods` measures them. */
export function demoTables(): Record<string, string> {
  const results = readResults();
  const [captions, captionControl] = captionTables(results);
  const [answers, answerControl] = answerTables(results);
  return {
    captions: renderTable(captions, "markdown"),
    "captions against apcOnly": renderTable(captionControl, "markdown"),
    answers: renderTable(answers, "markdown"),
    "answers against apcOnly": renderTable(answerControl, "markdown"),
  };
}
