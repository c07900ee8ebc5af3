import { constants } from "node:os";
import { DataError } from "../base/data_error";
import { WorkerDiedError, WorkerError } from "../bridge/errors";
import { ImageError } from "../client/image";
import { ConversionError, ConversionInterruptedError } from "../environment/convert";
import { NotConvertedError } from "../environment/published_models";
import { NoPythonError } from "../environment/python";
import { ParameterError } from "../methods/describe/refuse";

/** The command line itself is wrong. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A failure that its message explains to the one who ran the command. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/** Prints why a command failed and sets the exit code: 2 for wrong use, 1 for a failure, 130 for Ctrl-C, 143 for SIGTERM. */
export function exitWith(error: unknown): void {
  if (error instanceof UsageError || error instanceof ParameterError) {
    console.error(
      `${error instanceof UsageError ? "aai: " : ""}${error.message}\n\`aai --help\` tells how it is used.`,
    );
    process.exitCode = 2;
    return;
  }
  console.error(`aai: ${explain(error)}`);
  process.exitCode = error instanceof ConversionInterruptedError ? 128 + constants.signals[error.signal] : 1;
}

/** A sentence for what users can cause, the stack for what is a defect of ours. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof WorkerError && error.traceback)
    return `the worker failed.\n${error.traceback.trimEnd()}`;
  const expected = [
    WorkerError,
    WorkerDiedError,
    ImageError,
    DataError,
    NoPythonError,
    NotConvertedError,
    ConversionError,
    ConversionInterruptedError,
    CommandError,
    DOMException,
  ];
  if (expected.some((type) => error instanceof type) || error.name.endsWith("QuestionError"))
    return error.message;
  return error.stack ?? error.message;
}
