import { DataError } from "../base/data_error";
import type { RowTask } from "../experiments/decode/decode_rows";
import type { RunFolder } from "./run_folder";

/**
 * Refuses to go on with a run whose answers are about other pictures of the same names, or to questions that are not asked
 * now. A picture that nothing was answered about may have been mended. @throws DataError
 */
export function requireSameTasks({ folder, samples }: RunFolder, tasks: readonly RowTask[]): void {
  const asked = new Map(tasks.map(({ key, fields }) => [key, fields.image_sha256]));
  const records = [...samples.records.values()];
  const strays = records.filter(({ key }) => !asked.has(key)).map(({ key }) => key);
  const others = records
    .filter(({ key, status, image_sha256 }) => status === "done" && image_sha256 !== asked.get(key))
    .map(({ key }) => key);
  const [odd, complaint] =
    strays.length > 0 ? [strays, "are not asked for now"] : [others, "are about other pictures"];
  if (odd.length === 0) return;
  const shown = `${odd.slice(0, 5).join(", ")}${odd.length > 5 ? " …" : ""}`;
  throw new DataError(
    `${folder} holds a run of which ${odd.length} of ${records.length} answers ${complaint} (${shown}), and results are never ` +
      "mixed. Name another folder with --out, or give the images that it was made with.",
  );
}
