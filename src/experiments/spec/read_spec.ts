import { extname } from "node:path";
import { parseDocument } from "yaml";
import type { z } from "zod";
import { DataError } from "../../base/data_error";
import { readText } from "../../data/text";
import type { Plugin } from "../../methods";
import { type SweepSpec, sweepSpec } from "./spec";

/** A sweep from a YAML or JSON file, which may name what the plug-ins declare. @throws DataError naming the file, the place, and what is wrong there */
export function readSpec(file: string, plugins: readonly Plugin[] = []): SweepSpec {
  return checkedSpec(parsed(file), file, plugins);
}

/** @param source what to call it in errors. @throws DataError */
export function checkedSpec(value: unknown, source: string, plugins: readonly Plugin[]): SweepSpec {
  const own = plugins.flatMap(({ declarations }) => declarations);
  const { data, error } = sweepSpec(own).safeParse(value);
  if (data) return data;
  const { path, message } = deepest(error.issues);
  const place = path.length > 0 ? `${path.join(" › ")}: ` : "";
  throw new DataError(`${source}: ${place}${message}.`);
}

function parsed(file: string): unknown {
  const text = readText(file);
  try {
    if (extname(file) === ".json") return JSON.parse(text);
  } catch (error) {
    throw new DataError(`${file} is not JSON (${(error as Error).message}).`);
  }
  const document = parseDocument(text); // knows no tags that make objects of code
  const [fault] = document.errors;
  if (fault) throw new DataError(`${file} is not YAML: ${fault.message}`);
  return document.toJS();
}

interface Place {
  path: PropertyKey[];
  message: string;
}

/** A value that fits no alternative is told by the alternative in which it comes furthest. */
function deepest(issues: readonly z.core.$ZodIssue[], base: readonly PropertyKey[] = []): Place {
  const places = issues.map((issue): Place => {
    const path = [...base, ...issue.path];
    if (issue.code !== "invalid_union" || issue.errors.length === 0) return { path, message: issue.message };
    return issue.errors.map((branch) => deepest(branch, path)).reduce(further);
  });
  return places.reduce(further);
}

function further(a: Place, b: Place): Place {
  return b.path.length > a.path.length ? b : a;
}
