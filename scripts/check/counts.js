/** Numbers of passed and failed tests, from the reports that the test runners write for machines. */
const fs = require("node:fs");

/** From vitest's JSON report. A test file that could not be loaded counts as one failure. */
function countVitest(file) {
  const report = read(file);
  if (report === undefined) return { passed: 0, failed: 0 };
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(report);
  const unloaded = testResults.filter(({ status, assertionResults }) => {
    return status === "failed" && !assertionResults.some((test) => test.status === "failed");
  });
  return { passed: numPassedTests, failed: numFailedTests + unloaded.length };
}

/** From pytest's JUnit report. */
function countPytest(file) {
  const suite = /<testsuite [^>]*>/.exec(read(file) ?? "")?.[0];
  if (!suite) return { passed: 0, failed: 0 };
  const number = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  const failed = number("failures") + number("errors");
  return { passed: Math.max(0, number("tests") - failed - number("skipped")), failed };
}

function read(file) {
  return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : undefined;
}

module.exports = { countPytest, countVitest };
