/** `cost.py` in the package's Python: the demo's checkpoint, then one decoder layer of LLaVA-1.5-7B's width. */
import { join } from "node:path";
import { packageRoot } from "../src/data/package_root";
import { findPython } from "../src/environment/python";

const root = packageRoot();
const settings = [
  ["--repeats", "9"],
  ["--layers", "1", "--tokens", "10", "--repeats", "3"],
];

async function main(): Promise<void> {
  const { execa } = await import("execa");
  for (const args of settings) {
    const env = { PYTHONPATH: join(root, "python"), OMP_NUM_THREADS: "1" };
    await execa(findPython().python, [join(root, "bench", "cost.py"), ...args], { env, stdio: "inherit" });
  }
}

main();
