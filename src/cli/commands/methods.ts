import type { CommandModule } from "yargs";
import { methods } from "../../methods/registry";
import { strict } from "../options/strict";

type Method = (typeof methods)[number];

interface Arguments {
  json: boolean;
}

export const methodsCommand: CommandModule<object, Arguments> = {
  command: "methods",
  describe: "List every attention edit, contrast and search, with parameters, defaults and sources",
  builder: (argv) =>
    argv.options(strict({ json: { type: "boolean", default: false, describe: "Print JSON, for machines" } })),
  handler: ({ json }) => {
    if (json) console.log(JSON.stringify(methods.map(plain), null, 2));
    else
      console.log(
        [describeAxis("attention"), describeAxis("contrast"), describeAxis("search"), ownMethods].join(
          "\n\n",
        ),
      );
  },
};

/** A method's description as plain data. */
function plain({ axis, name, title, source, formula, combines, needsImage, parameters }: Method) {
  const described = Object.entries(parameters).map(([key, { meaning, shown, choices }]) => [
    key,
    { meaning, default: shown, ...(choices.length > 0 && { choices }) },
  ]);
  return {
    axis,
    name,
    title,
    source,
    formula,
    combines,
    needsImage,
    parameters: Object.fromEntries(described),
  };
}

const ownMethods =
  "YOUR OWN\n\nOne decorated Python function each, loaded by --plugin FILE: docs/methods.md tells how.";

function describeAxis(axis: string): string {
  const members = methods.filter((method) => method.axis === axis);
  return [axis.toUpperCase(), ...members.map(describe)].join("\n\n");
}

function describe(method: Method): string {
  const parameters = Object.entries(method.parameters).map(([name, one]) => ({ name, ...one }));
  const names = Math.max(...parameters.map(({ name }) => name.length));
  const values = Math.max(...parameters.map(({ shown }) => shown.length));
  return [
    `${method.name}  ${method.title}`,
    `  ${method.formula}`,
    ...parameters.map(
      ({ name, shown, meaning }) => `  ${name.padEnd(names)}  ${shown.padEnd(values)}  ${meaning}`,
    ),
    `  Source: ${method.source}.`,
    `  Works with: ${method.combines}${method.needsImage ? " Every row needs an image." : ""}`,
  ].join("\n");
}
