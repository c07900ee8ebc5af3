import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Endpoint } from "./launcher";

/** A Unix socket path holds 107 bytes on Linux, 103 on macOS. */
const longestSocketPath = 100;

/**
 * `ipc` sockets in a fresh folder that only this user may enter. Where ipc is missing (Windows), or the temporary
 * folder's path is too long for a socket, loopback TCP with a port of the system's choice.
 */
export function createEndpoint(): Endpoint {
  const base = [tmpdir(), "/tmp"].find(
    (folder) => folder.length < longestSocketPath - 20 && existsSync(folder),
  );
  if (process.platform === "win32" || base === undefined) {
    return { control: "tcp://127.0.0.1:*", data: "tcp://127.0.0.1:*", folder: undefined, remove: () => {} };
  }
  const folder = mkdtempSync(join(base, "aai-")); // mode 0700
  return {
    control: `ipc://${join(folder, "control")}`,
    data: `ipc://${join(folder, "data")}`,
    folder,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
