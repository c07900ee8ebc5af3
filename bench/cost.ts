/** `cost.py` in the package's Python: the demo's checkpoint, then one decoder layer of LLaVA-1.5-7B's width. */
import { join } from "node:path";
import { packageRoot } from "../src/base/package_root";
import { findPython } from "../src/environment/python";

const root = packageRoot();
const settings = [
  ["--repeats", "9"],
  ["--layers", "1", "--tokens", "10", "--repeats", "3"],
];
const shortSettings = [["--repeats", "1", "--tokens", "4"]];

/** @param short the demo's checkpoint alone, four tokens: whether it runs, not what it tells */
export async function benchCost(short: boolean): Promise<void> {
  const { execa } = await import("execa");
  for (const args of short ? shortSettings : settings) {
    const env = { PYTHONPATH: join(root, "python"), OMP_NUM_THREADS: "1" };
    await execa(findPython().python, [join(root, "bench", "cost.py"), ...args], { env, stdio: "inherit" });
  }
}
