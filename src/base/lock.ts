import {
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { DataError } from "./data_error";

/** A process that writes to a folder. */
export interface Holder {
  pid: number;
  host: string;
  /** The namespace of its process numbers, on Linux: containers may share a host's name, and each counts from 1. Null where unknown. */
  namespace: string | null;
  /** When the process began, in ticks since the machine did; another process may have its pid later. Null where unknown. */
  started: string | null;
}

/** How often a holder says that it lives, for those on other machines, and how long they wait for that. */
const beatMs = 10_000;
const silenceMs = 60_000;
/** How long a lock without content may be one that is just being written. */
const writingMs = 1_000;

/**
 * Keeps all others from writing to a folder, this process included, until it is released. The lock of a process that died
 * is taken over. Several that start at one moment never all get it.
 *
 * A lock is a file `lock` that only one process can make. One that takes over does not remove the dead lock first, for
 * another might do the same and remove the new one: it makes `lock.2`, which again only one can. Whoever has made a file
 * looks whether somebody else lives there, and then withdraws; only after that does it clean up.
 */
export class Lock {
  readonly #file: string;
  readonly #beat: NodeJS.Timeout;

  /** @throws DataError where a process that lives has it, with its pid and machine */
  constructor(folder: string) {
    const before = locksOf(folder);
    refuseHeld(folder, before);
    const generation = Math.max(0, ...before.map((one) => one.generation)) + 1;
    this.#file = join(folder, generation === 1 ? "lock" : `lock.${generation}`);
    claim(this.#file, folder);
    const others = locksOf(folder).filter(({ file }) => file !== this.#file);
    try {
      refuseHeld(folder, others);
    } catch (error) {
      rmSync(this.#file, { force: true });
      throw error;
    }
    for (const { file } of others) rmSync(file, { force: true });
    this.#beat = setInterval(() => touch(this.#file), beatMs);
    this.#beat.unref();
  }

  release(): void {
    clearInterval(this.#beat);
    rmSync(this.#file, { force: true });
  }
}

/** The living process that writes to a folder. */
export function holderOf(folder: string): Holder | undefined {
  return locksOf(folder).find(({ alive }) => alive)?.holder;
}

interface Found {
  file: string;
  generation: number;
  alive: boolean;
  /** Absent where the file does not say. */
  holder: Holder | undefined;
}

function locksOf(folder: string): Found[] {
  return readdirSync(folder).flatMap((name) => {
    const match = /^lock(?:\.(\d+))?$/.exec(name);
    const read = match && readLock(join(folder, name));
    return read ? [{ ...read, generation: Number(match[1] ?? 1) }] : [];
  });
}

/** Undefined where it has just been released. */
function readLock(file: string): Omit<Found, "generation"> | undefined {
  let text: string;
  let age: number;
  try {
    text = readFileSync(file, "utf8");
    age = Date.now() - statSync(file).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const holder = parsed(text);
  return { file, holder, alive: holder === undefined ? age < writingMs : lives(holder, age) };
}

function parsed(text: string): Holder | undefined {
  try {
    const { pid, host, namespace, started } = JSON.parse(text);
    return Number.isSafeInteger(pid) && typeof host === "string"
      ? { pid, host, namespace, started }
      : undefined;
  } catch {
    return undefined; // a process or a machine that died while it wrote
  }
}

function lives({ pid, host, namespace, started }: Holder, age: number): boolean {
  if (host !== hostname() || namespace !== pidNamespace()) return age < silenceMs;
  return isRunning(pid) && started === startOf(pid);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function pidNamespace(): string | null {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return null; // no Linux
  }
}

/** The 22nd field of /proc/PID/stat; the second, a name in parentheses, may hold anything. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null; // no Linux
  }
}

function claim(file: string, folder: string): void {
  const holder: Holder = {
    pid: process.pid,
    host: hostname(),
    namespace: pidNamespace(),
    started: startOf(process.pid),
  };
  try {
    writeFileSync(file, JSON.stringify(holder), { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw held(folder, readLock(file)?.holder); // made since we looked
  }
}

function touch(file: string): void {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {
    // The folder was moved or removed while its run goes on: nobody can wait for this lock any more.
  }
}

function refuseHeld(folder: string, locks: readonly Found[]): void {
  const other = locks.find(({ alive }) => alive);
  if (other !== undefined) throw held(folder, other.holder);
}

function held(folder: string, holder: Holder | undefined): DataError {
  if (holder === undefined)
    return new DataError(`Another process has just begun to write in ${folder}. Wait for it.`);
  const { pid, host, namespace } = holder;
  if (host !== hostname() || namespace !== pidNamespace())
    return new DataError(
      `Process ${pid} of ${host} is writing in ${folder}. Wait for it, or end it; its lock ends ${silenceMs / 1000} s after it does.`,
    );
  if (pid === process.pid)
    return new DataError(
      `This process (pid ${pid}) is already writing in ${folder}. Wait for the first run, or give the other its own folder.`,
    );
  return new DataError(`Another process (pid ${pid}) is writing in ${folder}. Wait for it, or end it.`);
}
