import type { z } from "zod";
import { ParameterError } from "../describe/refuse";
import { type PluginContrast, type PluginContrastOptions, pluginContrast } from "./contrast";
import type { LoadedPlugin, PluginDeclaration } from "./declaration";
import { type PluginEdit, type PluginEditOptions, pluginEdit } from "./edit";
import { describeParameter } from "./values";

type Declaration = z.infer<typeof PluginDeclaration>;

/** A Python file of the user's own, loaded by a worker: makes edits and contrasts like `aai()` and `vcd()` do. */
export class Plugin {
  readonly file: string;
  /** The sha256 of the file: every method made here carries it, and so does the identity of a run that uses one. */
  readonly sha256: string;
  /** What the file declares, with parameters, types and defaults. */
  readonly declarations: readonly Declaration[];

  constructor(file: string, { sha256, declarations }: z.infer<typeof LoadedPlugin>) {
    this.file = file;
    this.sha256 = sha256;
    this.declarations = declarations;
  }

  /** An attention edit: its own parameters and `layers`, `warmup` … side by side. @throws ParameterError */
  attention(name: string, options: PluginEditOptions = {}): PluginEdit {
    return pluginEdit(this.#declared("attention", name), this.sha256, options);
  }

  /** A contrast. @throws ParameterError */
  contrast(name: string, options: PluginContrastOptions = {}): PluginContrast {
    return pluginContrast(this.#declared("contrast", name), this.sha256, options);
  }

  /** What the file declares under this name, if it does. */
  find(axis: Declaration["axis"], name: string): Declaration | undefined {
    return this.declarations.find((one) => one.axis === axis && one.name === name);
  }

  #declared(axis: Declaration["axis"], name: string): Declaration {
    const found = this.find(axis, name);
    if (found !== undefined) return found;
    const declared = this.declarations.map((one) => `${one.axis} ${signature(one)}`).join("; ");
    throw new ParameterError(`${this.file} declares no ${axis} "${name}"; it declares ${declared}.`);
  }
}

function signature({ name, parameters }: Declaration): string {
  return `${name}(${parameters.map(describeParameter).join(", ")})`;
}
