import type { CommandModule } from "yargs";
import { methods, parametersOf } from "../../methods/registry";

interface Arguments {
  json: boolean;
}

export const methodsCommand: CommandModule<object, Arguments> = {
  command: "methods",
  describe: "List every attention edit, contrast and search, with parameters, defaults and sources",
  builder: (argv) => argv.option("json", { type: "boolean", default: false, describe: "For machines" }),
  handler: ({ json }) => {
    if (json) console.log(JSON.stringify(methods, null, 2));
    else
      console.log(
        [describeAxis("attention"), describeAxis("contrast"), describeAxis("search"), ownMethods].join(
          "\n\n",
        ),
      );
  },
};

const ownMethods =
  "YOUR OWN\n\nOne decorated Python function each, loaded by --plugin FILE: docs/methods.md tells how.";

function describeAxis(axis: string): string {
  const members = methods.filter((method) => method.axis === axis);
  return [axis.toUpperCase(), ...members.map(describe)].join("\n\n");
}

function describe(method: (typeof methods)[number]): string {
  const parameters = parametersOf(method);
  const names = Math.max(...parameters.map(({ name }) => name.length));
  const values = Math.max(...parameters.map(({ value }) => value.length));
  return [
    `${method.name}  ${method.title}`,
    `  ${method.formula}`,
    ...parameters.map(
      ({ name, value, meaning }) => `  ${name.padEnd(names)}  ${value.padEnd(values)}  ${meaning}`,
    ),
    `  Source: ${method.source}.`,
    `  Works with: ${method.combines}${method.needsImage ? " Every row needs an image." : ""}`,
  ].join("\n");
}
