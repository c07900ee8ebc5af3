import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { decodeBody } from "../../src/bridge/codec";
import { findPython } from "../../src/environment/python";
import * as plugins from "../../src/methods/plugin";
import { methods } from "../../src/methods/registry";
import * as messages from "../../src/protocol/messages";
import * as parameters from "../../src/protocol/parameters";

interface Sample {
  schema: string;
  valid: boolean;
  why: string;
  msgpack: string;
}

const root = join(__dirname, "../..");
const file = join(root, "test/fixtures/protocol/samples.json");
const samples = JSON.parse(readFileSync(file, "utf8")) as Sample[];
const ofMethods = Object.fromEntries(methods.map(({ schema }) => [schema.meta()!.id, schema]));
const schemas = { ...parameters, ...messages, ...plugins, ...ofMethods } as Record<string, unknown>;
const expected = samples.map(({ schema, why, valid }) => `${schema}: ${why}: ${valid}`);

test("TypeScript accepts the valid samples and refuses the invalid ones", () => {
  const verdicts = samples.map(({ schema, why, msgpack }) => {
    const { success } = (schemas[schema] as z.ZodType).safeParse(decodeBody(Buffer.from(msgpack, "hex")));
    return `${schema}: ${why}: ${success}`;
  });
  expect(verdicts).toEqual(expected);
});

test("Python gives the same verdicts on the same bytes", () => {
  const script = `
import json, sys
import msgspec
from aai_worker import protocol
def valid(sample):
    try:
        msgspec.msgpack.decode(bytes.fromhex(sample["msgpack"]), type=getattr(protocol, sample["schema"]))
        return True
    except msgspec.ValidationError:
        return False
samples = json.load(open(sys.argv[1]))
print(json.dumps([f'{s["schema"]}: {s["why"]}: {str(valid(s)).lower()}' for s in samples]))
`;
  const { stdout, stderr } = spawnSync(findPython().python, ["-c", script, file], {
    env: { ...process.env, PYTHONPATH: join(root, "python") },
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual(expected);
});

test("there are samples of both kinds for every message", () => {
  const named = new Set([...z.globalRegistry._idmap.keys()]);
  expect(new Set(samples.map(({ schema }) => schema))).toEqual(named);
  expect(samples.filter(({ valid }) => valid).length).toBeGreaterThan(80);
  expect(samples.filter(({ valid }) => !valid).length).toBeGreaterThan(150);
});
