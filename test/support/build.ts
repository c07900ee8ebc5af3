import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import ts from "typescript";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** The compiled `aai`. */
    aai: string;
  }
}

const root = join(__dirname, "../..");

/** Compiles the package once for all tests, into a folder of its own: ts-node would take ten times as long for every command. */
export default function build({ provide }: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), "built-"));
  for (const file of readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })) {
    if (file.endsWith(".ts")) compile(join(root, "src", file), join(folder, "dist"));
  }
  cpSync(join(root, "package.json"), join(folder, "package.json"));
  for (const name of [".aai", "assets", "demo", "node_modules", "python"])
    symlinkSync(join(root, name), join(folder, name));
  provide("aai", join(folder, "dist", "cli", "main.js"));
  return () => rmSync(folder, { recursive: true });
}

function compile(file: string, dist: string): void {
  const { outputText } = ts.transpileModule(readFileSync(file, "utf8"), {
    fileName: file,
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.Node16, esModuleInterop: true },
  });
  const output = join(dist, relative(join(root, "src"), file)).replace(/\.ts$/, ".js");
  mkdirSync(dirname(output), { recursive: true });
  writeFileSync(output, outputText);
}
