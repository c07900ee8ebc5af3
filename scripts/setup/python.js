/**
 * The Python environment: an interpreter named by AAI_PYTHON (checked, never changed), else the conda environment
 * `aai` where conda, mamba or micromamba is found, else `.venv` with pip. The choice is written to
 * `.aai/environment.json`, where the package's `findPython` reads it.
 */
const fs = require("node:fs");
const path = require("node:path");
const { condaEnvironment, findConda } = require("./conda");
const { SetupError, ask, runStep } = require("./run");
const { hashFile, readStamp, removeStamp, writeStamp } = require("./stamp");
const { venvEnvironment } = require("./venv");
const { parsePyproject, satisfies } = require("./versions");

/** What an interpreter of the user's own may have, where ours is pinned. */
const accepted = { torch: ">=2.9" };

const quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"];

/** Whether the environment that would be chosen is complete; also records it as the chosen one. */
function pythonReady(options) {
  if (process.env.AAI_PYTHON) return checkGiven(process.env.AAI_PYTHON, options);
  const stamp = readStamp(options.root, "python");
  if (!stamp || stamp.pyproject !== hashFile(pyprojectPath(options)) || (options.dev && !stamp.dev))
    return false;
  if (!fs.existsSync(stamp.python) || probe(stamp.python, [])?.python !== stamp.version) return false;
  record(options, stamp.python, stamp.kind);
  return true;
}

async function ensurePython(options) {
  if (pythonReady(options)) return;
  const { root, dev } = options;
  const redo = readStamp(root, "unfinished") !== undefined; // a set-up was killed half-way: trust nothing it made
  removeStamp(root, "python");
  writeStamp(root, "unfinished", {});
  try {
    const { python, kind } = await createEnvironment({ ...options, redo });
    const install = ["-m", "pip", "install", ...quiet, "-e", dev ? "./python[dev]" : "./python"];
    await runStep("Installing the Python packages (torch is large)", python, install, { cwd: root });
    const version = probe(python, []).python;
    writeStamp(root, "python", { python, kind, version, pyproject: hashFile(pyprojectPath(options)), dev });
    record(options, python, kind);
  } finally {
    removeStamp(root, "unfinished"); // pip undoes what it cannot finish
  }
}

async function createEnvironment(options) {
  const { requiresPython } = readRequirements(options);
  const conda = findConda();
  if (!conda) return venvEnvironment(options, requiresPython);
  try {
    return await condaEnvironment(options, conda);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.log(`${error.message}\nGoing on without ${path.basename(conda)}, in .venv.`);
    return venvEnvironment(options, requiresPython);
  }
}

/** True, or a SetupError that lists everything an interpreter of the user's own lacks. */
function checkGiven(python, options) {
  const { requiresPython, dependencies, dev } = readRequirements(options);
  const wanted = [...dependencies, ...(options.dev ? dev : [])].map(({ name, specifier }) => ({
    name,
    specifier: accepted[name] ?? specifier,
  }));
  const found = probe(
    python,
    wanted.map(({ name }) => name),
  );
  if (!found)
    throw new SetupError(
      `AAI_PYTHON is ${python}, which cannot be run. Set it to a Python interpreter, or unset it.`,
    );

  const problems = [];
  if (!satisfies(found.python, requiresPython))
    problems.push(`Python ${found.python} (needs ${requiresPython})`);
  const lacking = wanted.filter(({ name, specifier }) => {
    const version = found.packages[name];
    return !version || !satisfies(version, specifier);
  });
  problems.push(
    ...lacking.map(
      ({ name, specifier }) => `${name} ${found.packages[name] ?? "is missing"} (needs ${specifier})`,
    ),
  );
  if (problems.length > 0) throw new SetupError(givenProblems(python, problems, lacking));
  record(options, python, "AAI_PYTHON");
  return true;
}

function givenProblems(python, problems, lacking) {
  const lines = [
    `AAI_PYTHON is ${python}, which cannot be used as it is:`,
    ...problems.map((line) => `  - ${line}`),
  ];
  if (lacking.length > 0) {
    const packages = lacking.map(({ name, specifier }) => `"${name}${specifier}"`).join(" ");
    lines.push(
      "Install what is missing:",
      `  ${python} -m pip install ${packages}`,
      "or unset AAI_PYTHON to have an environment made.",
    );
  }
  return lines.join("\n");
}

/** Version of an interpreter and of the named packages in it, from their metadata: nothing is imported. */
function probe(python, packages) {
  const script = `
import json, sys
from importlib.metadata import PackageNotFoundError, version
def find(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None
print(json.dumps({"python": "%d.%d.%d" % sys.version_info[:3], "packages": {n: find(n) for n in sys.argv[1:]}}))`;
  const output = ask(python, ["-c", script, ...packages]);
  return output === undefined ? undefined : JSON.parse(output);
}

function record({ root }, python, kind) {
  const current = readStamp(root, "environment");
  if (current?.python !== python || current.kind !== kind) writeStamp(root, "environment", { python, kind });
}

function readRequirements(options) {
  return parsePyproject(fs.readFileSync(pyprojectPath(options), "utf8"));
}

function pyprojectPath({ root }) {
  return path.join(root, "python", "pyproject.toml");
}

module.exports = { ensurePython, pythonReady };
