/** `.venv` in the package's folder. */
const fs = require("node:fs");
const path = require("node:path");
const { SetupError, ask, runStep } = require("./run");
const { satisfies } = require("./versions");

/** {python, kind} of a `.venv` whose interpreter and pip run. One that does not, or is to be redone, is made again. */
async function venvEnvironment({ root, redo }, requiresPython) {
  const folder = path.join(root, ".venv");
  const python = venvPython(folder);
  const version = pythonVersion([python]);
  if (!redo && version && satisfies(version, requiresPython) && ask(python, ["-m", "pip", "--version"])) {
    return { python, kind: "venv" };
  }

  const base = findBasePython(requiresPython);
  fs.rmSync(folder, { recursive: true, force: true });
  const [command, ...args] = base.command;
  await runStep(`Making .venv with Python ${base.version}`, command, [...args, "-m", "venv", folder]);
  return { python, kind: "venv" };
}

/** The first Python on the PATH that is new enough: {command, version}. */
function findBasePython(requiresPython) {
  const candidates = process.platform === "win32" ? [["py", "-3"], ["python"]] : [["python3"], ["python"]];
  for (const minor of [14, 13, 12, 11, 10]) candidates.push([`python3.${minor}`]);
  const found = candidates
    .map((command) => ({ command, version: pythonVersion(command) }))
    .filter(({ version }) => version !== undefined);

  const base = found.find(({ version }) => satisfies(version, requiresPython));
  if (base) return base;
  const advice =
    "Install one (Debian: sudo apt install python3 python3-venv; or python.org), or set AAI_PYTHON.";
  if (found.length === 0)
    throw new SetupError(`No Python was found on the PATH; ${requiresPython} is needed. ${advice}`);
  throw new SetupError(`Python ${found[0].version} is too old; ${requiresPython} is needed. ${advice}`);
}

function pythonVersion([command, ...args]) {
  return ask(command, [...args, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"]);
}

function venvPython(folder) {
  return process.platform === "win32"
    ? path.join(folder, "Scripts", "python.exe")
    : path.join(folder, "bin", "python");
}

module.exports = { findBasePython, venvEnvironment, venvPython };
