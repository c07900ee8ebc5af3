/** The conda environment `aai`, made from environment.yml by conda, mamba or micromamba. */
const path = require("node:path");
const { SetupError, ask, runStep } = require("./run");
const { readStamp, removeStamp, writeStamp } = require("./stamp");

const name = "aai";

/** The program to use, or undefined where there is none. */
function findConda() {
  const candidates = ["mamba", "micromamba", "conda", process.env.MAMBA_EXE, process.env.CONDA_EXE];
  return candidates.filter(Boolean).find((command) => ask(command, ["--version"]) !== undefined);
}

/**
 * {python, kind} of the environment. One of that name which set-up did not make (an earlier project's, perhaps) is left
 * alone and refused.
 */
async function condaEnvironment({ root, redo }, conda) {
  const ours = readStamp(root, "conda_environment") !== undefined;
  let existing = environmentFolder(conda);
  if (existing && !ours) {
    throw new SetupError(
      `There is already a conda environment \`${name}\` (${existing}), which align-attention did not make. ` +
        `To use it: AAI_PYTHON=${environmentPython(existing)}; to replace it: conda env remove -n ${name}.`,
    );
  }
  writeStamp(root, "conda_environment", { name });
  if (existing && redo) {
    const remove = ["env", "remove", "-y", "-n", name];
    await runStep(`Removing the half-made conda environment \`${name}\``, conda, remove);
    existing = undefined;
  }
  const yaml = path.join(root, "environment.yml");
  const verb = existing ? "update" : "create";
  const args = micromamba(conda) ? [verb, "-y"] : ["env", verb];
  try {
    const title = `Making the conda environment \`${name}\` (torch is large)`;
    await runStep(title, conda, [...args, "-n", name, "-f", yaml]);
  } catch (error) {
    if (!environmentFolder(conda)) removeStamp(root, "conda_environment");
    throw error;
  }
  const folder = environmentFolder(conda);
  if (!folder) throw new SetupError(`${conda} made no environment ${name}, though it reported success.`);
  return { python: environmentPython(folder), kind: "conda" };
}

function environmentFolder(conda) {
  const listed = ask(conda, ["env", "list", "--json"]);
  if (listed === undefined) return undefined;
  return JSON.parse(listed).envs.find((folder) => path.basename(folder) === name);
}

function environmentPython(folder) {
  return process.platform === "win32" ? path.join(folder, "python.exe") : path.join(folder, "bin", "python");
}

function micromamba(conda) {
  return path.basename(conda).startsWith("micromamba");
}

module.exports = { condaEnvironment, findConda };
