import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../base/package_root";
import { askPython } from "./ask_python";
import { type Check, failed, ok, warned } from "./check";
import { measureLoopback } from "./loopback";
import { findPython } from "./python";
import { checkProbe, type Probe } from "./python_checks";
import { atLeast } from "./versions";

/** Looks at everything that a run needs: one check a line, each with a remedy where it is not well. Never rejects. */
export async function doctor(): Promise<Check[]> {
  const checks = [checkNode(), await checkZeromq(), ...(await checkPython()), checkDemo()];
  return checks;
}

function checkNode(): Check {
  const { node } = process.versions;
  if (atLeast(node, "20.19")) return ok("Node", node);
  return failed("Node", node, "install Node 20.19 or later (https://nodejs.org)");
}

async function checkZeromq(): Promise<Check> {
  try {
    const { version, capability } = await import("zeromq");
    return ok("ZeroMQ in Node", `libzmq ${version}${capability.ipc ? ", ipc" : ""}`);
  } catch (error) {
    return failed("ZeroMQ in Node", messageOf(error), "reinstall the node packages: npm install");
  }
}

async function checkPython(): Promise<Check[]> {
  let python: string;
  try {
    python = findPython().python;
  } catch (error) {
    return [failed("Python", messageOf(error), "npx aai setup")];
  }
  try {
    const probe = await askPython<Probe>("probe", [], { python });
    return [...checkProbe(probe), await checkLoopback(python)];
  } catch (error) {
    return [failed("Python", messageOf(error), "npx aai setup, or mend AAI_PYTHON")];
  }
}

async function checkLoopback(python: string): Promise<Check> {
  try {
    const { smallMicroseconds, megabytesPerSecond } = await measureLoopback(python);
    const detail = `${smallMicroseconds.toFixed(0)} µs a round trip, ${megabytesPerSecond.toFixed(0)} MB/s`;
    if (smallMicroseconds < 5000 && megabytesPerSecond > 50) return ok("Node to Python", detail);
    return warned(
      "Node to Python",
      detail,
      "slow: is the machine busy, or does a security tool inspect 127.0.0.1?",
    );
  } catch (error) {
    return failed(
      "Node to Python",
      messageOf(error),
      "a firewall may block 127.0.0.1, or pyzmq is broken: npx aai setup",
    );
  }
}

function checkDemo(): Check {
  const folder = join(packageRoot(), "demo", "checkpoint");
  try {
    accessSync(join(folder, "config.json"), constants.R_OK);
    if (existsSync(join(folder, "model.safetensors"))) return ok("Demo checkpoint", folder);
    return warned(
      "Demo checkpoint",
      "its weights are missing",
      "reinstall the package, or see demo/README.md",
    );
  } catch {
    return warned(
      "Demo checkpoint",
      `not in ${folder}`,
      "only `npm run demo` needs it: reinstall the package",
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
