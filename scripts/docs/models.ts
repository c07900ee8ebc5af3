import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { findPython } from "../../src/environment/python";
import { renderTable } from "../../src/report/tables";

/** Of `python/aai_worker/loading/families.py`, which imports nothing: any Python answers at once. */
export function familyTables(): Record<string, string> {
  const program =
    "import json, families as f;" +
    "print(json.dumps([{k: v._asdict() for k, v in f.SUPPORTED.items()}, f.REFUSED]))";
  const folder = join(__dirname, "../../python/aai_worker/loading");
  const output = execFileSync(findPython().python, ["-c", program], { cwd: folder, encoding: "utf8" });
  const [supported, refused]: [Record<string, Record<string, string>>, Record<string, string>] =
    JSON.parse(output);
  return {
    supported: renderTable(
      {
        columns: [
          { name: "`model_type`" },
          { name: "family" },
          { name: "for example" },
          { name: "image tokens" },
          { name: "reference" },
        ],
        rows: Object.entries(supported).map(([type, { title, checkpoints, tokens, reference }]) => [
          `\`${type}\``,
          title!,
          checkpoints!,
          tokens!,
          reference!,
        ]),
      },
      "markdown",
    ),
    refused: renderTable(
      {
        columns: [{ name: "`model_type`" }, { name: "why" }],
        rows: Object.entries(refused).map(([type, reason]) => [`\`${type}\``, reason]),
      },
      "markdown",
    ),
  };
}
