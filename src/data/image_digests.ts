import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** File name -> sha256 of its bytes in hex; null where it cannot be read. */
export type ImageDigests = Readonly<Record<string, string | null>>;

/** Files read at a time: enough to hide a disk's or a server's delay, few enough to hold in memory. */
const atOnce = 16;

/** What tells the images of a folder apart whatever they are called; every file is read once. */
export async function imageDigests(folder: string, names: Iterable<string>): Promise<ImageDigests> {
  const distinct = [...new Set(names)];
  const digests: Record<string, string | null> = Object.fromEntries(distinct.map((name) => [name, null]));
  const waiting = distinct.values();
  const work = async () => {
    for (const name of waiting) digests[name] = await digestOf(join(folder, name));
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return digests;
}

async function digestOf(file: string): Promise<string | null> {
  try {
    return createHash("sha256")
      .update(await readFile(file))
      .digest("hex");
  } catch {
    return null; // whoever decodes it will say why
  }
}
