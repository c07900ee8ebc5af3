import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { imageDigests } from "../../src/data/image_digests";

const folder = mkdtempSync(join(tmpdir(), "digests-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Of FIPS 180-4: "abc", and nothing. */
const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

test("every file has the sha256 of its bytes, asked for once or twice; what cannot be read has none", async () => {
  const names = Array.from({ length: 50 }, (_, i) => `${i}.png`);
  for (const [i, name] of names.entries()) writeFileSync(join(folder, name), i % 2 ? "abc" : "");
  symlinkSync("/nowhere/x.png", join(folder, "dangling.png"));
  const digests = await imageDigests(folder, [...names, "0.png", "dangling.png", "absent.png"]);
  const expected = Object.fromEntries(names.map((name, i) => [name, i % 2 ? abc : nothing]));
  expect(digests).toEqual({ ...expected, "dangling.png": null, "absent.png": null });
});
