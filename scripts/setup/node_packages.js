/** The node packages of a checkout. An installed package has no lock file: npm has done this part already. */
const fs = require("node:fs");
const path = require("node:path");
const { runStep } = require("./run");
const { hashFile, readStamp, writeStamp } = require("./stamp");

/**
 * The versions of package-lock.json, which stays as it is. Not `npm ci`: it refuses a lock file that lacks another
 * platform's optional binaries, as one made with a partial registry mirror does.
 */
const install = ["install", "--no-save", "--no-progress"];

/** `npm install` writes the two lock files one after the other. */
const npmWritesWithin = 2_000;

/** Whether node_modules is what package-lock.json says. */
function nodePackagesReady({ root }) {
  const lock = path.join(root, "package-lock.json");
  if (!fs.existsSync(lock)) return true;
  const installed = fs.statSync(path.join(root, "node_modules", ".package-lock.json"), {
    throwIfNoEntry: false,
  });
  if (!installed) return false; // npm writes it last
  if (readStamp(root, "node_packages")?.lock === hashFile(lock)) return true;
  return installed.mtimeMs + npmWritesWithin >= fs.statSync(lock).mtimeMs; // the user's own npm ci or npm install
}

async function ensureNodePackages({ root }) {
  if (nodePackagesReady({ root })) return;
  // Inside `npm run` this is the npm that runs us, and needs no shell on Windows.
  const [command, first] = process.env.npm_execpath
    ? [process.execPath, [process.env.npm_execpath]]
    : ["npm", []];
  const shell = process.platform === "win32" && command === "npm";
  await runStep("Installing the node packages", command, [...first, ...install], {
    cwd: root,
    shell,
  });
  writeStamp(root, "node_packages", { lock: hashFile(path.join(root, "package-lock.json")) });
}

module.exports = { ensureNodePackages, nodePackagesReady };
