/** Runs the long commands of a set-up: visible progress, quiet output, and an explanation where one fails. */
const { spawn, spawnSync } = require("node:child_process");
const { explain } = require("./explain");

/** A failure whose message is all the user needs. */
class SetupError extends Error {}

const heartbeatSeconds = 20;
const tailLines = 12;

/** Runs `command` under a one-line progress report headed `title`. Rejects with a SetupError that says what to do. */
async function runStep(title, command, args, { cwd, shell = false } = {}) {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  const lines = [];
  const progress = startProgress(title, seconds, () => lines.at(-1) ?? "");

  const child = spawn(command, args, { cwd, shell, stdio: ["ignore", "pipe", "pipe"] });
  const collect = (chunk) => {
    lines.push(
      ...chunk
        .toString()
        .split(/[\r\n]+/)
        .filter((line) => line.trim() !== ""),
    );
    lines.splice(0, lines.length - 200);
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const failure = await new Promise((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) =>
      resolve(code === 0 ? undefined : `ended with ${signal ?? `exit code ${code}`}`),
    );
  });

  if (failure === undefined) return progress.end(`✓ ${title} (${seconds()} s)`);
  progress.end(`✗ ${title} (${seconds()} s)`);
  const tail = lines.slice(-tailLines).map((line) => `    ${line}`);
  throw new SetupError(
    [`${[command, ...args].join(" ")} ${failure}.`, ...tail, "", explain(lines.join("\n"))].join("\n"),
  );
}

/** On a terminal one line that is rewritten each second; elsewhere a line at the start and one now and then. */
function startProgress(title, seconds, lastLine) {
  const terminal = process.stdout.isTTY;
  if (!terminal) console.log(`… ${title}`);
  const report = () => {
    if (!terminal) return console.log(`  … ${title}: ${seconds()} s, ${lastLine().trim().slice(0, 100)}`);
    const text = `… ${title} (${seconds()} s) ${lastLine().trim()}`;
    process.stdout.write(`\r\x1b[K${text.slice(0, (process.stdout.columns ?? 80) - 1)}`);
  };
  const timer = setInterval(report, terminal ? 1000 : heartbeatSeconds * 1000);
  return {
    end(text) {
      clearInterval(timer);
      console.log(terminal ? `\r\x1b[K${text}` : text);
    },
  };
}

/** The trimmed output of a short command, or undefined where it is missing or fails. */
function ask(command, args) {
  const { status, stdout } = spawnSync(command, args, {
    encoding: "utf8",
    timeout: 60_000,
    windowsHide: true,
  });
  return status === 0 ? stdout.trim() : undefined;
}

module.exports = { SetupError, ask, runStep };
