import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The folder of this package, whether it runs from src/ or from dist/: where `assets/` lies. */
export function packageRoot(): string {
  root ??= find(__dirname);
  return root;
}

let root: string | undefined;

function find(folder: string): string {
  const manifest = join(folder, "package.json");
  if (existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).name === "align-attention")
    return folder;
  const parent = dirname(folder);
  if (parent === folder)
    throw new Error("align-attention cannot find its own package.json: reinstall the package.");
  return find(parent);
}
