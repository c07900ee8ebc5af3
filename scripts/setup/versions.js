/** Version numbers and the few forms of Python requirements that this project writes. */

/** Whether `version` ("3.11.7", "2.13.0+cpu") satisfies every part of `specifier` (">=5.17,<6"; "" is anything). */
function satisfies(version, specifier) {
  return specifier
    .split(",")
    .filter(Boolean)
    .every((part) => {
      const [, operator, bound] = /^(>=|<=|==|<|>)\s*(\S+)$/.exec(part.trim()) ?? [];
      const order = compare(version, bound ?? "");
      if (operator === ">=") return order >= 0;
      if (operator === "<=") return order <= 0;
      if (operator === "==") return order === 0;
      if (operator === "<") return order < 0;
      if (operator === ">") return order > 0;
      throw new Error(`not a version specifier: ${part}`);
    });
}

function atLeast(version, minimum) {
  return compare(version, minimum) >= 0;
}

/** Numeric, part by part; local parts ("+cpu") and pre-release tags ("rc1") do not count. */
function compare(a, b) {
  const [left, right] = [a, b].map((version) =>
    version
      .split("+")[0]
      .split(".")
      .map((part) => parseInt(part, 10) || 0),
  );
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** {name, specifier} of "transformers>=5.17,<6". */
function parseRequirement(text) {
  const [, name, specifier] = /^([A-Za-z0-9._-]+)\s*(.*)$/.exec(text);
  return { name, specifier };
}

/** The parts of pyproject.toml that matter here: requires-python, dependencies, and those for development. */
function parsePyproject(toml) {
  return {
    requiresPython: /^requires-python = "(.*)"$/m.exec(toml)[1],
    dependencies: requirementList(toml, "dependencies").map(parseRequirement),
    dev: requirementList(toml, "dev").map(parseRequirement),
  };
}

function requirementList(toml, key) {
  const [, body] = new RegExp(`^${key} = \\[\\n(.*?)^\\]`, "ms").exec(toml);
  return [...body.matchAll(/^\s*"(.*)",/gm)].map(([, requirement]) => requirement);
}

module.exports = { atLeast, compare, parsePyproject, satisfies };
