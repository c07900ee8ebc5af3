/** Runs one step of the gate, quietly while it goes well. */
const { spawn } = require("node:child_process");

const limitMinutes = 20;
const heartbeatSeconds = 60;
const shownLines = 150;

/**
 * {name, ok, seconds, note, passed, failed}. `count` reads the step's test report: {passed, failed}. The output is
 * printed only where the step fails.
 */
async function runStep({ name, command, cwd, count }) {
  const started = Date.now();
  const seconds = () => (Date.now() - started) / 1000;
  const heartbeat = setInterval(
    () => console.log(`… ${name}: ${Math.round(seconds())} s`),
    heartbeatSeconds * 1000,
  );
  const { code, output } = await run(command, cwd);
  clearInterval(heartbeat);

  const counts = count ? count() : { passed: 0, failed: 0 };
  const ok = code === 0 && counts.failed === 0;
  if (count && !ok && counts.failed === 0) counts.failed = 1; // it broke down before or after its tests
  console.log(`${ok ? "✓" : "✗"} ${name} (${seconds().toFixed(1)} s)`);
  if (!ok) console.log(lastLines(output));
  return {
    name,
    ok,
    seconds: seconds(),
    note: count ? `${counts.passed} passed, ${counts.failed} failed` : "",
    ...counts,
  };
}

/** Both outputs in order of arrival. A step that hangs is ended with everything it started. */
function run([command, ...args], cwd) {
  return new Promise((resolve) => {
    // One thread each: the two lanes share the cores.
    const env = { OMP_NUM_THREADS: "1", NO_COLOR: "1", ...process.env };
    const detached = process.platform !== "win32";
    const child = spawn(command, args, { cwd, env, detached, stdio: ["ignore", "pipe", "pipe"] });
    const end = () => (detached ? process.kill(-child.pid, "SIGKILL") : child.kill());
    const onInterrupt = () => {
      end();
      process.exit(130);
    };
    process.once("SIGINT", onInterrupt);

    let output = "";
    const collect = (chunk) => {
      output += chunk;
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    const limit = setTimeout(() => {
      output += `\nStopped: it took more than ${limitMinutes} minutes.`;
      end();
    }, limitMinutes * 60_000);

    const finish = (code) => {
      clearTimeout(limit);
      process.off("SIGINT", onInterrupt);
      resolve({ code, output });
    };
    child.on("error", (error) => {
      output += error.message;
      finish(1);
    });
    child.on("close", finish);
  });
}

function lastLines(output) {
  const lines = output.trimEnd().split("\n");
  const shown = lines.slice(-shownLines).map((line) => `    ${line}`);
  if (lines.length > shownLines) shown.unshift(`    … ${lines.length - shownLines} lines before these`);
  return shown.join("\n");
}

module.exports = { runStep };
