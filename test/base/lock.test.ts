import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, expect, inject, test } from "vitest";
import { holderOf, Lock } from "../../src/base/lock";

const root = mkdtempSync(join(tmpdir(), "lock-"));
afterAll(() => rmSync(root, { recursive: true }));

let count = 0;
const folder = () => {
  const made = join(root, String(count++));
  mkdirSync(made);
  return made;
};

/** Writes a lock as if another had, some seconds ago. */
function plant(where: string, content: unknown, secondsAgo = 0, name = "lock"): void {
  const file = join(where, name);
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  const then = new Date(Date.now() - 1000 * secondsAgo);
  utimesSync(file, then, then);
}

const namespace = existsSync("/proc/self/ns/pid") ? readlinkSync("/proc/self/ns/pid") : null;
const dead = { pid: 2 ** 22 + 1, host: hostname(), namespace, started: "1" }; // above what Linux gives to processes

const node = (script: string, ...args: string[]) =>
  execa("node", ["-e", script, join(dirname(inject("aai")), "../base/lock.js"), ...args], { reject: false });

test("a folder has one writer, this process counts like any other", () => {
  const where = folder();
  const lock = new Lock(where);
  expect(holderOf(where)).toMatchObject({ pid: process.pid, host: hostname() });
  expect(() => new Lock(where)).toThrow(`This process (pid ${process.pid}) is already writing in ${where}`);
  lock.release();
  expect(readdirSync(where)).toEqual([]);
  new Lock(where).release();
});

test("a process that runs keeps others out, and is named; killed, it does not", async () => {
  const where = folder();
  const other = node(
    `const { Lock } = require(process.argv[1]); new Lock(process.argv[2]); console.log("has it"); setInterval(() => {}, 1e6)`,
    where,
  );
  await new Promise((resolve) => other.stdout.once("data", resolve));
  expect(() => new Lock(where)).toThrow(`Another process (pid ${other.pid}) is writing in ${where}`);
  other.kill("SIGKILL");
  await other;
  new Lock(where).release();
  expect(readdirSync(where)).toEqual([]);
});

test.each([
  ["of a process that is gone", dead, 0],
  ["left empty", "", 5],
  ["cut off", '{"pid":', 5],
  ["of a process whose pid is ours now", { ...dead, pid: process.pid }, 0],
  ["of a machine that has been silent", { ...dead, host: "elsewhere" }, 90],
  ["of a container that has been silent", { ...dead, namespace: "pid:[1]" }, 90],
])("a lock %s is taken over", (_, content, secondsAgo) => {
  const where = folder();
  plant(where, content, secondsAgo);
  const lock = new Lock(where);
  expect(readdirSync(where)).toEqual(["lock.2"]);
  expect(holderOf(where)?.pid).toBe(process.pid);
  lock.release();
});

test.each([
  [
    "of another machine that lives",
    { ...dead, host: "elsewhere" },
    30,
    "Process 4194305 of elsewhere is writing",
  ],
  [
    "of another container that lives",
    { ...dead, namespace: "pid:[1]" },
    30,
    `Process 4194305 of ${hostname()} is writing`,
  ],
  ["that is just being written", "", 0, "Another process has just begun to write"],
])("a lock %s keeps others out", (_, content, secondsAgo, message) => {
  const where = folder();
  plant(where, content, secondsAgo);
  expect(() => new Lock(where)).toThrow(message);
  expect(readdirSync(where)).toEqual(["lock"]);
});

test("who finds another living lock beside the one just made withdraws", () => {
  const where = folder();
  plant(where, { ...dead, host: "elsewhere" }, 0, "lock.7");
  plant(where, dead);
  expect(() => new Lock(where)).toThrow("of elsewhere is writing");
  expect(readFileSync(join(where, "lock.7"), "utf8")).toContain("elsewhere");
});

test("of processes that start at one moment, on new folders and on those of dead ones, one gets each", async () => {
  const folders = Array.from({ length: 40 }, (_, i) => {
    const where = folder();
    if (i % 2 === 1) plant(where, dead);
    return where;
  });
  const contend = `
    const { Lock } = require(process.argv[1]);
    const [begin, ...folders] = process.argv.slice(2);
    const won = folders.map((folder, i) => {
      const wait = Number(begin) + 25 * i - Date.now();
      if (wait > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, wait);
      try { new Lock(folder); return 1; }
      catch (error) { if (!/is writing|just begun/.test(error.message)) throw error; return 0; }
    });
    console.log(JSON.stringify(won));
    process.stdin.resume();`;
  const begin = String(Date.now() + 3000);
  const contenders = Array.from({ length: 5 }, () => node(contend, begin, ...folders));
  const won = await Promise.all(
    contenders.map(async ({ stdout }) =>
      JSON.parse(String(await new Promise((resolve) => stdout.once("data", resolve)))),
    ),
  );
  for (const one of contenders) one.stdin.end();
  await Promise.all(contenders);
  expect(folders.map((_, i) => won.reduce((sum, one) => sum + one[i], 0))).toEqual(folders.map(() => 1));
  expect(won.filter((one) => one.includes(1)).length).toBeGreaterThan(1); // it was a race
});
