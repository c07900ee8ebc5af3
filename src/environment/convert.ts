import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { packageRoot } from "../base/package_root";
import { moduleArguments } from "../base/python_module";
import { rememberModel } from "./published_models";
import { findPython } from "./python";

/** A conversion that cannot be done: one sentence. */
export class ConversionError extends Error {
  override readonly name = "ConversionError";
}

/** A conversion that Ctrl-C or SIGTERM ended: what it has written stays. */
export class ConversionInterruptedError extends Error {
  override readonly name = "ConversionInterruptedError";

  constructor(readonly signal: Signal) {
    super("Interrupted; the same command goes on where this one ended.");
  }
}

const signals = ["SIGINT", "SIGTERM"] as const;
type Signal = (typeof signals)[number];

export interface ConversionProgress {
  phase: "hashing" | "writing";
  /** Bytes. */
  done: number;
  total: number;
  file: string;
}

type Line = ({ type: "progress" } & ConversionProgress) | { type: "done"; folder: string } | Fault;
type Fault = { type: "fault"; message: string };

/**
 * Converts the published files of LLaVA-1.5, MiniGPT-4 or Shikra in a Python process of its own, and notes where the result lies.
 * SIGINT and SIGTERM end it, a second one at once, and leave `<out>.partial`, from which the same call goes on.
 *
 * @param options of `python -m aai_worker.checkpoints <model>`. @returns the folder.
 * @throws ConversionError, ConversionInterruptedError
 */
export async function convertModel(
  model: string,
  options: Record<string, string | readonly string[] | undefined>,
  onProgress: (progress: ConversionProgress) => void = () => {},
): Promise<string> {
  const { execa } = await import("execa"); // ESM only: tsx cannot load it by require
  const { python } = findPython();
  const flags = Object.entries(options).flatMap(([name, value]) =>
    [value ?? []].flat().map((one) => `--${name}=${one}`),
  );
  const child = execa(python, moduleArguments("aai_worker.checkpoints", model, ...flags), {
    env: {
      PYTHONPATH: [join(packageRoot(), "python"), process.env.PYTHONPATH].filter(Boolean).join(delimiter),
    },
    stdin: "ignore",
    buffer: { stdout: false, stderr: true },
    reject: false,
    detached: true, // Ctrl-C reaches this process alone, which passes it on once
  });
  let interrupted: Signal | undefined;
  const interrupt = (signal: Signal) => {
    child.kill(interrupted === undefined ? "SIGINT" : "SIGKILL");
    interrupted ??= signal;
  };
  for (const signal of signals) process.on(signal, interrupt);
  try {
    let end: Line | undefined;
    for await (const text of createInterface({ input: child.stdout })) {
      if (!text.startsWith("{")) continue; // whatever a library prints
      const line = JSON.parse(text) as Line;
      if (line.type === "progress") onProgress(line);
      else end = line;
    }
    const { stderr, originalMessage, exitCode } = await child;
    if (interrupted && end?.type !== "done") throw new ConversionInterruptedError(interrupted);
    if (end?.type === "fault") throw new ConversionError(end.message);
    if (end?.type !== "done") {
      const reason = stderr?.trim() || originalMessage || `exit code ${exitCode}`;
      throw new ConversionError(`${python} ended before the conversion did: ${reason}`);
    }
    rememberModel(model, end.folder);
    return end.folder;
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
  }
}
