import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { decodeBody, encodeBody } from "../../src/bridge/codec";
import { findPython } from "../../src/environment/python";

/** What Python reads, as it prints it. */
function pythonReads(value: unknown): string {
  const script = "import msgspec, sys; print(repr(msgspec.msgpack.decode(bytes.fromhex(sys.argv[1]))))";
  const { stdout } = spawnSync(findPython().python, ["-c", script, encodeBody(value).toString("hex")], {
    encoding: "utf8",
  });
  return stdout.trim();
}

test("whole numbers stay whole in Python, fractions stay fractions", () => {
  const numbers = [
    0,
    -1,
    1.5,
    2 ** 31,
    -(2 ** 31) - 1,
    2 ** 32,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    1e300,
  ];
  expect(pythonReads(numbers)).toBe(
    "[0, -1, 1.5, 2147483648, -2147483649, 4294967296, 9007199254740991, -9007199254740991, 1e+300]",
  );
  expect(decodeBody(encodeBody(numbers))).toEqual(numbers);
});

test("undefined fields are left out, text and nesting survive", () => {
  expect(pythonReads({ a: undefined, b: { c: [null, true, "Größe 👁"] } })).toBe(
    "{'b': {'c': [None, True, 'Größe 👁']}}",
  );
});

test.each([
  ["a typed array", { maps: [new Float32Array(2)] }, "$.maps[0] is a Float32Array"],
  ["a date", { when: new Date() }, "$.when is a Date"],
  ["a function", { run: () => 1 }, "$.run is a Function"],
  ["a map", new Map(), "$ is a Map"],
])("%s is refused with its place", (_, value, message) => {
  expect(() => encodeBody(value)).toThrow(message);
});

test("an encoded body is not overwritten by the next one", () => {
  const first = encodeBody({ text: "first" });
  for (let i = 0; i < 1000; i++) encodeBody({ text: "x".repeat(i) });
  expect(decodeBody(first)).toEqual({ text: "first" });
});

test.each([
  ["truncated", "81a161"],
  ["with trailing bytes", "c0c0"],
])("bytes %s are an error", (_, hex) => {
  expect(() => decodeBody(Buffer.from(hex, "hex"))).toThrow();
});
