/**
 * The entry of the process that `askPython` forks: one question to Python through pythonia, then the end. pythonia starts
 * Python when it is imported, throws from timers and parsers, and notices no death: hence a process of its own.
 */
import { spawnSync } from "node:child_process";
import { stripVTControlCharacters } from "node:util";

export interface Question {
  question: "probe" | "inspect" | "echo";
  args: (string | number)[];
}

export type Answer<T> = { value: T } | { fault: string };

type Functions = Record<Question["question"], (...args: Question["args"]) => Promise<string>>;

process.once("message", (question: Question) => {
  answer(question).then(finish, (error) => finish({ fault: faultOf(error) }));
});
process.on("uncaughtException", (error) => {
  if (!isLostPipe(error)) finish({ fault: faultOf(error) });
});
process.once("disconnect", () => endGroup()); // whoever asked is gone

async function answer({ question, args }: Question): Promise<Answer<unknown>> {
  const python = process.env.PYTHON_BIN ?? "";
  const { error, status } = spawnSync(python, ["--version"]);
  if (error || status !== 0) {
    return {
      fault: `${python} cannot be run as a Python interpreter (${error?.message ?? `exit code ${status}`}).`,
    };
  }

  const { default: pythonia } = await import("pythonia");
  try {
    const ask = async () => {
      const functions = (await pythonia.python("aai_worker.environment")) as Functions;
      return functions[question](...args);
    };
    const death = deathOf(pythonia);
    const answered = ask().catch((error) => (isLostPipe(error) ? death : Promise.reject(error)));
    return JSON.parse(await Promise.race([answered, death]));
  } finally {
    pythonia.python.exit();
  }
}

/** Rejects when the Python process ends: pythonia itself would wait for its time limit. */
function deathOf(pythonia: object): Promise<never> {
  const { proc } = (pythonia as { com: { proc: NodeJS.EventEmitter } }).com;
  return new Promise((_, reject) => {
    proc.once("exit", (code: number | null, signal: string | null) =>
      reject(new Error(`Python ended with ${signal ?? `exit code ${code}`} before it answered.`)),
    );
  });
}

/** Writing to a Python that has just ended fails before its exit is heard of; the exit is what there is to tell. */
function isLostPipe(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EPIPE" || code === "ECONNRESET" || code === "ERR_IPC_CHANNEL_CLOSED";
}

/** pythonia's exceptions have an empty message; Python's own last line is the last of their coloured stack. */
function faultOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message) return error.message;
  const lines = stripVTControlCharacters(error.stack ?? "")
    .split("\n")
    .filter((line) => line.trim() !== "");
  const last =
    lines.findLast((line) => /^(🌉|\*\*\* JS \*\*\*)/u.test(line)) ?? lines.at(-1) ?? "unknown failure";
  return `Python raised ${last.replace(/^(🌉|\*\*\* JS \*\*\*)\s*/u, "")}`;
}

function finish(result: Answer<unknown>): void {
  process.send?.(result, () => process.exit());
}

function endGroup(): void {
  try {
    process.kill(-process.pid, "SIGKILL");
  } catch {
    process.exit();
  }
}
