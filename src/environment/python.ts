import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../base/package_root";

/** The interpreter that runs the worker, and what named it. */
export interface FoundPython {
  python: string;
  source: "AAI_PYTHON" | ".aai/environment.json" | ".venv";
}

/** No Python environment has been set up. */
export class NoPythonError extends Error {
  override readonly name = "NoPythonError";
}

/**
 * The one answer to "which Python?": the environment variable AAI_PYTHON, else what set-up recorded, else `.venv` in
 * the package's folder. Throws NoPythonError where there is none. It looks at files only; nothing is run.
 */
export function findPython(root = packageRoot(), env: NodeJS.ProcessEnv = process.env): FoundPython {
  if (env.AAI_PYTHON) return { python: checkGiven(env.AAI_PYTHON), source: "AAI_PYTHON" };

  const recorded = readRecord(join(root, ".aai", "environment.json"));
  if (recorded !== undefined && existsSync(recorded))
    return { python: recorded, source: ".aai/environment.json" };

  const venv = join(
    root,
    ".venv",
    ...(process.platform === "win32" ? ["Scripts", "python.exe"] : ["bin", "python"]),
  );
  if (existsSync(venv)) return { python: venv, source: ".venv" };

  throw new NoPythonError(
    "No Python environment has been set up. Run `npx aai setup` (in a clone: `npm run setup`), " +
      "or set AAI_PYTHON to an interpreter that has torch and transformers.",
  );
}

/** A bare command name is left to the PATH; a path must exist. */
function checkGiven(python: string): string {
  if (!/[\\/]/.test(python) || existsSync(python)) return python;
  throw new NoPythonError(`AAI_PYTHON is ${python}, and there is no such file. Mend or unset it.`);
}

function readRecord(file: string): string | undefined {
  try {
    const { python } = JSON.parse(readFileSync(file, "utf8"));
    return typeof python === "string" ? python : undefined;
  } catch {
    return undefined; // absent or unreadable: as if nothing had been recorded
  }
}
