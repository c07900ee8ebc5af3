import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../data/data_error";

/** Keeps other processes from writing to a folder. @throws DataError where one that still runs does */
export function lock(folder: string): void {
  const holder = holderOf(folder);
  if (holder !== undefined && holder !== process.pid)
    throw new DataError(
      `Another process (pid ${holder}) is writing the run in ${folder}. Wait for it, or end it.`,
    );
  writeFileSync(join(folder, "lock"), String(process.pid));
}

export function unlock(folder: string): void {
  rmSync(join(folder, "lock"), { force: true });
}

/** The running process that writes to a folder. */
export function holderOf(folder: string): number | undefined {
  const file = join(folder, "lock");
  const pid = existsSync(file) ? Number(readFileSync(file, "utf8")) : undefined;
  return pid !== undefined && isRunning(pid) ? pid : undefined;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
