import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../base/package_root";
import type { Model, Worker } from "../../client";

/** What a run was made with: recorded beside its settings, without a part in its identity. */
export async function runContext(worker?: Worker): Promise<Record<string, unknown>> {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8"));
  return {
    started: new Date().toISOString(),
    command: process.argv.slice(2),
    versions: {
      "align-attention": version,
      node: process.versions.node,
      ...(worker && { torch: worker.info.torchVersion, transformers: worker.info.transformersVersion }),
    },
    ...(worker && { device: { name: worker.info.device, model: worker.info.deviceName } }),
    git: await gitState(),
  };
}

/** What the checkpoint's generation_config.json does to its logits, by the file's own names; undefined where it does nothing. */
export function processorsOf({ processors }: Model["description"]): Record<string, unknown> | undefined {
  const settings = Object.entries(processors).map(([name, value]) => [name, JSON.parse(value)]);
  return settings.length > 0 ? Object.fromEntries(settings) : undefined;
}

/** Commit of the working folder, and whether anything in it is changed; null outside a repository. */
async function gitState(): Promise<{ commit: string; dirty: boolean } | null> {
  const { execa } = await import("execa");
  const quiet = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]; // a repository's own programs are not run
  const git = (...args: string[]) => execa("git", [...quiet, ...args], { reject: false });
  const [commit, status] = await Promise.all([git("rev-parse", "HEAD"), git("status", "--porcelain")]);
  if (commit.exitCode !== 0) return null;
  return { commit: commit.stdout, dirty: status.stdout !== "" };
}
