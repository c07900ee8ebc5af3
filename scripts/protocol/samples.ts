/**
 * Derives sample messages from every schema: one valid, and one invalid for each way to break a field. Stored as
 * msgpack in hexadecimal, they are what both languages are tested against.
 */
import { encodeBody } from "../../src/bridge/codec";
import { alternativesOf, isLarge, type JsonSchema } from "./python";

interface Sample {
  schema: string;
  valid: boolean;
  why: string;
  msgpack: string;
}

export function sampleMessages(schemas: Record<string, JsonSchema>): string {
  const samples: Sample[] = [];
  for (const [schema, definition] of Object.entries(schemas)) {
    if (definition.properties === undefined) continue;
    const valid = example(definition, schemas) as Record<string, unknown>;
    const add = (isValid: boolean, why: string, value: unknown) =>
      samples.push({ schema, valid: isValid, why, msgpack: encodeBody(value).toString("hex") });
    add(true, "minimal", valid);
    add(true, "unknown field", { ...valid, unknownField: [1, "x"] });
    for (const [field, type] of Object.entries(definition.properties)) {
      const { [field]: _, ...without } = valid;
      // A missing tag is no error where only one struct is possible.
      if (type.const === undefined) add(false, `${field} missing`, without);
      add(false, `${field} of the wrong type`, { ...valid, [field]: wrong(type, schemas) });
      if (type.type === "integer") add(false, `${field} a fraction`, { ...valid, [field]: 1.5 });
      if (type.type === "integer")
        add(isLarge(type), `${field} beyond 32 bits`, { ...valid, [field]: 2 ** 40 });
      if (type.type === "number") add(true, `${field} a whole number`, { ...valid, [field]: 1 });
    }
  }
  return `${JSON.stringify(samples, null, 1)}\n`;
}

function example(schema: JsonSchema, schemas: Record<string, JsonSchema>): unknown {
  if (schema.$ref) return example(schemas[schema.$ref]!, schemas);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const alternatives = alternativesOf(schema);
  if (alternatives) return example(alternatives[0]!, schemas);
  if (schema.prefixItems) return schema.prefixItems.map((item) => example(item, schemas));
  if (schema.items) return [example(schema.items, schemas)];
  if (schema.additionalProperties) return { key: example(schema.additionalProperties, schemas) };
  if (schema.properties) {
    return Object.fromEntries(
      Object.entries(schema.properties).map(([key, type]) => [key, example(type, schemas)]),
    );
  }
  return {
    integer: Math.max(1, schema.minimum ?? 1),
    number: 0.5,
    string: "text",
    boolean: true,
    null: null,
  }[schema.type as string];
}

/** A map fits no field but an object's or a map's, a string fits neither. */
function wrong(schema: JsonSchema, schemas: Record<string, JsonSchema>): unknown {
  const target = schema.$ref ? schemas[schema.$ref]! : schema;
  return target.properties || target.additionalProperties ? "not a map" : { not: "this" };
}
