/** Small JSON notes in `.aai/` about what set-up has done. */
const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");

/** The note `name`, or undefined where there is none that can be read. */
function readStamp(root, name) {
  try {
    return JSON.parse(fs.readFileSync(stampPath(root, name), "utf8"));
  } catch {
    return undefined;
  }
}

function writeStamp(root, name, value) {
  fs.mkdirSync(path.join(root, ".aai"), { recursive: true });
  fs.writeFileSync(stampPath(root, name), `${JSON.stringify(value, null, 2)}\n`);
}

function removeStamp(root, name) {
  fs.rmSync(stampPath(root, name), { force: true });
}

function hashFile(file) {
  return crypto.createHash("sha256").update(fs.readFileSync(file)).digest("hex");
}

function stampPath(root, name) {
  return path.join(root, ".aai", `${name}.json`);
}

module.exports = { hashFile, readStamp, removeStamp, writeStamp };
