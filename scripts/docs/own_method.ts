import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The example of a plug-in, as it stands in `scripts/own_method.py`. */
export function ownMethod(): string {
  return `\`\`\`python\n${readFileSync(join(__dirname, "../own_method.py"), "utf8")}\`\`\``;
}
