import { describe, expect, it } from "vitest";
import { readCaptions } from "../../../src/benchmarks/chair/captions";
import { readGroundTruth } from "../../../src/benchmarks/chair/ground_truth";
import { temporaryFile } from "../../fixtures/unpack";

const read = (name: string, content: string | Uint8Array) => readCaptions(temporaryFile(name, content));

describe("readCaptions", () => {
  it("reads how a caption ended, where the file says it in the usual words", () => {
    const lines = [`"stop"`, `"length"`, `"eos_token"`, "null"].map(
      (reason, i) => `{"image_id": ${i}, "caption": "A cat", "finish_reason": ${reason}}`,
    );
    const found = read("captions.jsonl", lines.join("\n"));
    expect(found.map((one) => one.finish_reason)).toEqual(["stop", "length", undefined, undefined]);
  });

  it("reads lists and lines, under any keys", () => {
    const expected = [
      { image_id: 1, caption: "A cat." },
      { image_id: "b", caption: "" },
    ];
    expect(read("c.json", JSON.stringify(expected))).toEqual(expected);
    expect(read("c.jsonl", `${expected.map((one) => JSON.stringify(one)).join("\n")}\n\n`)).toEqual(expected);
    const file = temporaryFile("c.jsonl", '{"id": 3, "text": "A dog."}');
    expect(readCaptions(file, { imageIdKey: "id", captionKey: "text" })).toEqual([
      { image_id: 3, caption: "A dog." },
    ]);
  });

  it("takes the caption that is named where there are two texts", () => {
    const file = temporaryFile("c.jsonl", '{"image_id": 3, "caption": "A cat.", "text": "A dog."}');
    expect(readCaptions(file, { captionKey: "caption" })).toEqual([{ image_id: 3, caption: "A cat." }]);
    expect(readCaptions(file, { captionKey: "text" })).toEqual([{ image_id: 3, caption: "A dog." }]);
  });

  it("skips a byte order mark", () => {
    expect(read("c.jsonl", '\ufeff{"image_id": 3, "caption": "A dog."}')).toHaveLength(1);
  });

  it.each([
    ["an empty file", "c.jsonl", " \n", /c\.jsonl: the file is empty/],
    ["an empty list", "c.json", "[]", /c\.json: the list is empty/],
    ["no id", "c.jsonl", '{"caption": "a"}', /line 1: no key "image_id" \(it has caption\)/],
    ["no caption", "c.json", '[{"image_id": 1}]', /item 1: no key "caption" \(it has image_id\)/],
    ["an id that is no id", "c.jsonl", '{"image_id": 1.5, "caption": "a"}', /line 1: the image id is 1\.5/],
    [
      "a caption that is no text",
      "c.jsonl",
      '{"image_id": 1, "caption": ["a"]}',
      /line 1: the caption is \["a"\]/,
    ],
    [
      "an id twice",
      "c.jsonl",
      '{"image_id": 1, "caption": "a"}\n\n{"image_id": "1", "caption": "b"}',
      /line 3: image id 1 again \(first at .*line 1\)/,
    ],
    [
      "an id that is rounded",
      "c.jsonl",
      '{"image_id": 1234567890123456789, "caption": "A dog."}\n{"image_id": 1234567890123456781, "caption": "A cat."}',
      /line 1: the image id is about 1234567890123456800, .* not read exactly; write it in quotes/,
    ],
    [
      "a caption beside another text",
      "c.jsonl",
      '{"image_id": 1, "caption": "a reference", "response": "A dog."}',
      /line 1: the caption could be "caption" or "response"; say which with --caption-key/,
    ],
    ["a line that is not JSON", "c.jsonl", '{"image_id": 1,\n{}\n', /line 1: not JSON/],
    [
      "a cut-off last line",
      "c.jsonl",
      '{"image_id": 1, "caption": "a"}\n{"image_id": 2, "cap',
      /line 2: .*cut off/,
    ],
    ["a list that is not JSON", "c.json", '[{"image_id": 1}', /c\.json: not a JSON list/],
    ["something else", "c.jsonl", "3\n", /line 1: expected a JSON object, found 3/],
  ])("refuses %s", (_, name, content, message) => {
    expect(() => read(name, content)).toThrow(message);
  });

  it("refuses what is not UTF-8, naming the line", () => {
    const latin1 = Buffer.from(
      '{"image_id": 1, "caption": "a"}\n{"image_id": 2, "caption": "caf\xe9"}',
      "latin1",
    );
    expect(() => read("c.jsonl", latin1)).toThrow(/c\.jsonl: line 2 is not UTF-8/);
  });
});

describe("readGroundTruth", () => {
  it("reads image id -> classes and refuses other things", () => {
    expect(readGroundTruth(temporaryFile("g.json", '{"1": ["cat"], "2": []}'))).toEqual({
      1: ["cat"],
      2: [],
    });
    expect(() => readGroundTruth(temporaryFile("g.json", '{"1": "cat"}'))).toThrow(
      /image id 1 has "cat"; expected a list/,
    );
    expect(() => readGroundTruth(temporaryFile("g.json", "[]"))).toThrow("expected an object from image id");
    expect(() => readGroundTruth(temporaryFile("g.json", "{"))).toThrow(/g\.json: not JSON/);
  });
});
