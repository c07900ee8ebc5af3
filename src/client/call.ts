import type { z } from "zod";
import type { NdArray } from "../arrays/nd_array";
import type { CommandName, Connection } from "../bridge/connection";
import { commands } from "../protocol/messages";

type Body<Name extends CommandName> = z.input<(typeof commands)[Name]["body"]>;
type Result<Name extends CommandName> = z.output<(typeof commands)[Name]["result"]>;

/** A command with one result. @throws WorkerError, WorkerDiedError */
export function call<Name extends CommandName>(
  connection: Connection,
  command: Name,
  body: Body<Name>,
  arrays: NdArray[] = [],
): Promise<{ result: Result<Name>; arrays: NdArray[] }> {
  return new Promise((resolve, reject) => {
    connection.submit(command, body, arrays, {
      onEvent: () => {},
      onResult: (message) => {
        const parsed = commands[command].result.safeParse(message.body);
        if (parsed.success) resolve({ result: parsed.data as Result<Name>, arrays: message.arrays });
        else reject(parsed.error);
      },
      onCancelled: () => reject(new DOMException(`"${command}" was cancelled.`, "AbortError")),
      onError: reject,
    });
  });
}
