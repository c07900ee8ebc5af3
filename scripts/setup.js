#!/usr/bin/env node
/**
 * The one set-up behind `npm run setup`, `npm run demo` and `npm test` (which adds --dev): node packages and a Python
 * environment. It runs before anything is installed, so it uses Node's built-in modules only. What is already
 * there is recognised by content hashes in `.aai/`, and a second run takes a fraction of a second.
 */
const path = require("node:path");
const { withLock } = require("./setup/lock");
const { ensureNodePackages, nodePackagesReady } = require("./setup/node_packages");
const { ensurePython, pythonReady } = require("./setup/python");
const { SetupError } = require("./setup/run");
const { readStamp } = require("./setup/stamp");
const { atLeast } = require("./setup/versions");

const root = path.resolve(__dirname, "..");
const minimumNode = "20.19";

async function main(args) {
  const unknown = args.find((arg) => arg !== "--dev");
  if (unknown)
    throw new SetupError(`setup: unknown argument ${unknown}. The only one is --dev (test tools as well).`);
  checkNode(process.versions.node);

  const options = { root, dev: args.includes("--dev") };
  if (!nodePackagesReady(options) || !pythonReady(options)) {
    await withLock(path.join(root, ".aai", "setup.lock"), async () => {
      await ensureNodePackages(options);
      await ensurePython(options);
    });
  }
  console.log(`✓ Set up, with ${readStamp(root, "environment").python}`);
}

function checkNode(version) {
  if (atLeast(version, minimumNode)) return;
  throw new SetupError(
    `Node ${version} is too old: align-attention needs Node ${minimumNode} or later (https://nodejs.org).`,
  );
}

function explainUnexpected(error) {
  if (!["EACCES", "EPERM", "EROFS", "ENOSPC"].includes(error.code)) return error.stack;
  return `${error.message}. Set-up writes to ${root}: it needs room there, and the right to write.`;
}

if (require.main === module) {
  main(process.argv.slice(2)).catch((error) => {
    console.error(error instanceof SetupError ? error.message : explainUnexpected(error));
    process.exitCode = 1;
  });
}

module.exports = { checkNode, main };
