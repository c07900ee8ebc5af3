import { type ChildProcess, fork } from "node:child_process";
import { delimiter, extname, join } from "node:path";
import { packageRoot } from "../base/package_root";
import { findPython } from "./python";
import type { Answer, Question } from "./python_child";

/** Python could not answer: it is not there, broke down, took too long, or found a fault in what it was asked. */
export class PythonQuestionError extends Error {
  override readonly name = "PythonQuestionError";
}

export interface AskOptions {
  /** Interpreter; default: findPython(). */
  python?: string;
  /** Default 120: importing torch from a cold disk is slow. */
  timeoutSeconds?: number;
}

/**
 * Asks one function of `aai_worker.environment` and returns what it answers. The question travels through pythonia in a
 * forked process of its own: whatever happens there, an unhandled error or a crash, ends as a PythonQuestionError here.
 */
export async function askPython<T>(
  question: Question["question"],
  args: Question["args"],
  options: AskOptions = {},
): Promise<T> {
  const { python = findPython().python, timeoutSeconds = 120 } = options;
  const child = forkChild(python, timeoutSeconds);
  const lines = collectOutput(child);
  try {
    return await answerOf<T>(child, { question, args }, lines, timeoutSeconds);
  } finally {
    endGroup(child);
  }
}

function forkChild(python: string, timeoutSeconds: number): ChildProcess {
  const root = packageRoot();
  const extension = extname(__filename); // .ts from a checkout, .js once built
  return fork(join(__dirname, `python_child${extension}`), [], {
    execArgv: extension === ".ts" ? ["-r", require.resolve("ts-node/register/transpile-only")] : [],
    env: {
      ...process.env,
      TS_NODE_PROJECT: join(root, "tsconfig.json"),
      PYTHON_BIN: python,
      PYTHONPATH: [join(root, "python"), process.env.PYTHONPATH].filter(Boolean).join(delimiter),
      REQ_TIMEOUT: String(timeoutSeconds * 1000),
    },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    detached: true, // a group of its own, so that Python can be ended with it
  });
}

function answerOf<T>(
  child: ChildProcess,
  question: Question,
  lines: string[],
  timeoutSeconds: number,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const fail = (message: string) => reject(new PythonQuestionError(message));
    const timer = setTimeout(
      () => fail(`Python did not answer within ${timeoutSeconds} s.`),
      timeoutSeconds * 1000,
    );
    child.once("message", (answer: Answer<T>) => {
      clearTimeout(timer);
      if ("value" in answer) resolve(answer.value);
      else fail(answer.fault);
    });
    child.once("error", (error) =>
      fail(`The process that asks Python could not be started: ${error.message}`),
    );
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      fail(
        `The process that asks Python ended with ${signal ?? `exit code ${code}`}. ${lines.slice(-5).join("\n")}`,
      );
    });
    child.send(question, (error) => error && fail(`The process that asks Python is gone: ${error.message}`));
  });
}

function collectOutput(child: ChildProcess): string[] {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => lines.push(...chunk.toString().split("\n").filter(Boolean)));
  }
  return lines;
}

function endGroup(child: ChildProcess): void {
  try {
    if (child.pid === undefined) return;
    if (process.platform === "win32") child.kill();
    else process.kill(-child.pid, "SIGKILL");
  } catch {
    // all of it has ended by itself
  }
}
