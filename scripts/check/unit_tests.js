/** Which test files start no process: no worker, no command, no Python. They take seconds together. */
const fs = require("node:fs");
const path = require("node:path");

const startsProcess = /fake_worker|inject\(|startWorker|child_process|execa/;

function unitTests(root) {
  const files = fs
    .readdirSync(path.join(root, "test"), { recursive: true })
    .map((name) => path.join("test", name));
  return files.filter(
    (file) =>
      file.endsWith(".test.ts") && !startsProcess.test(fs.readFileSync(path.join(root, file), "utf8")),
  );
}

module.exports = { unitTests };
