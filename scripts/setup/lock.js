/** One set-up at a time: a lock folder that holds the owner's process id and is touched while the owner lives. */
const fs = require("node:fs");
const path = require("node:path");

const touchEvery = 5_000;
const staleAfter = 60_000;

/** Runs `work` alone among all processes that use this lock; waits, with a message, while another runs. */
async function withLock(folder, work) {
  fs.mkdirSync(path.dirname(folder), { recursive: true });
  for (let waits = 0; !tryLock(folder); waits++) {
    if (waits === 0)
      console.log(`Another set-up (process ${owner(folder) ?? "?"}) is running; waiting for it.`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  const touch = setInterval(() => fs.utimes(folder, new Date(), new Date(), () => {}), touchEvery);
  try {
    return await work();
  } finally {
    clearInterval(touch);
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function tryLock(folder) {
  try {
    fs.mkdirSync(folder);
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    if (isStale(folder)) fs.rmSync(folder, { recursive: true, force: true });
    return false;
  }
  fs.writeFileSync(path.join(folder, "pid"), String(process.pid));
  return true;
}

/** Left by a process that is gone, or by one that has not touched it for a minute (its id may be another's by now). */
function isStale(folder) {
  const age = Date.now() - (fs.statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  if (age > staleAfter) return true;
  const pid = owner(folder);
  return pid !== undefined && !isAlive(pid);
}

function owner(folder) {
  try {
    return Number(fs.readFileSync(path.join(folder, "pid"), "utf8")) || undefined;
  } catch {
    return undefined; // taken this instant, or just released
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

module.exports = { withLock };
