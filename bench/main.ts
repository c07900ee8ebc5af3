/** `ts-node bench/main.ts [bridge] [batch] [cost] [sweep] [--short]`: measures what docs/performance.md tells. */
import { benchBatch } from "./batch";
import { benchBridge } from "./bridge";
import { benchCost } from "./cost";
import { benchSweep } from "./sweep";

const benches: Record<string, (short: boolean) => Promise<void>> = {
  bridge: benchBridge,
  batch: benchBatch,
  cost: benchCost,
  sweep: benchSweep,
};

async function main(args: readonly string[]): Promise<void> {
  const names = args.filter((arg) => arg !== "--short");
  const unknown = names.find((name) => !(name in benches));
  if (unknown !== undefined)
    throw new Error(`There is no benchmark "${unknown}"; there are ${Object.keys(benches).join(", ")}.`);
  for (const name of names.length > 0 ? names : Object.keys(benches)) {
    console.log(`\n## ${name}\n`);
    await benches[name]!(args.includes("--short"));
  }
}

main(process.argv.slice(2)).catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
