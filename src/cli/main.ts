#!/usr/bin/env node
import { exitWith } from "./exit";
import { parserOf } from "./parser";

/** Runs one command line; its exit code is 0, 1 for a failure, 2 for wrong use. */
async function main(args: string[]): Promise<void> {
  await parserOf(args).parseAsync();
}

main(process.argv.slice(2)).catch(exitWith);
