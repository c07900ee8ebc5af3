/** What the schemas' documentation comments say, for the other language and for people. */
import { readFileSync } from "node:fs";
import ts from "typescript";
import { methods } from "../../src/methods/registry";

/** Of one struct: what it is, and what its fields are. */
export interface Comments {
  struct: string;
  fields: Record<string, string>;
}

/** By the id of the schema, from the files that write `z.object({…}).meta({ id })`, and from every method's description. */
export function readComments(files: readonly string[]): Record<string, Comments> {
  const found: Record<string, Comments> = {};
  for (const file of files) {
    const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
    for (const statement of source.statements) {
      if (!ts.isVariableStatement(statement)) continue;
      const id = /\.meta\(\{ id: "(\w+)" \}\)/.exec(statement.getText())?.[1];
      const literal = id === undefined ? undefined : findObject(statement);
      if (id !== undefined && literal !== undefined)
        found[id] = { struct: commentOf(statement), fields: fieldsOf(literal) };
    }
  }
  for (const { schema, name, title, formula, parameters } of methods) {
    const meanings = Object.entries(parameters).map(([key, { meaning }]) => [key, sentence(meaning)]);
    found[schema.meta()!.id as string] = {
      struct: `${name}, ${title}: ${formula}.`,
      fields: Object.fromEntries(meanings),
    };
  }
  return found;
}

/** The argument of `z.object`. */
function findObject(node: ts.Node): ts.ObjectLiteralExpression | undefined {
  if (ts.isCallExpression(node) && node.expression.getText().replace(/\s/g, "") === "z.object") {
    const [argument] = node.arguments;
    return argument !== undefined && ts.isObjectLiteralExpression(argument) ? argument : undefined;
  }
  return ts.forEachChild(node, findObject);
}

function fieldsOf(literal: ts.ObjectLiteralExpression): Record<string, string> {
  const told = literal.properties.map((property) => [property.name?.getText() ?? "", commentOf(property)]);
  return Object.fromEntries(told.filter(([, comment]) => comment !== ""));
}

/** The last documentation comment before a node, on one line. */
function commentOf(node: ts.Node): string {
  const comments = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const text = ts.getTextOfJSDocComment(comments.at(-1)?.comment) ?? "";
  return text.replace(/\s+/g, " ").trim();
}

const sentence = (text: string) => `${text[0]!.toUpperCase()}${text.slice(1)}.`;
