import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { chooseIds, imageIdOf, numericId, readIds } from "../../src/data/ids";
import { fixture, temporaryFile } from "../fixtures/unpack";

describe("readIds", () => {
  it("knows the images of OPERA's released captions, in their order", () => {
    const captions = fixture("chair/llava-1.5.greedy.jsonl").trim().split("\n");
    const { ids, sha256, source } = readIds("opera-500");
    expect(ids).toEqual(captions.map((line) => String(JSON.parse(line).image_id)));
    expect(sha256).toBe(createHash("sha256").update(ids.join("\n")).digest("hex"));
    expect(source).toBe("list opera-500");
  });

  it("reads files of lines and of JSON", () => {
    expect(readIds(temporaryFile("ids.txt", "3\n1\r\n\n2")).ids).toEqual(["3", "1", "2"]);
    expect(readIds(temporaryFile("ids.json", '[3, "1"]')).ids).toEqual(["3", "1"]);
  });

  it("says what is wrong", () => {
    expect(() => readIds("opera-501")).toThrow('no list "opera-501"; the named lists are opera-500, demo.');
    expect(() => readIds(temporaryFile("ids.txt", "1\n2\n1"))).toThrow("image id 1 stands there twice");
    expect(() => readIds(temporaryFile("ids.txt", "\n"))).toThrow("no image id in it");
    expect(() => readIds(temporaryFile("ids.json", "[{}]"))).toThrow("item 1: the image id is {}; expected");
    expect(() => readIds(temporaryFile("ids.json", "[1, 2,]"))).toThrow("not a JSON list of image ids");
    expect(() => readIds(temporaryFile("ids.json", "[7, 1234567890123456789]"))).toThrow(
      "item 2: the image id is about 1234567890123456800, and numbers above 9007199254740991 are not read exactly",
    );
  });
});

describe("chooseIds", () => {
  const names = Array.from({ length: 50 }, (_, i) => `image-${i}`);
  it("depends on the seed and the names, not on their order", () => {
    const chosen = chooseIds(names, 10, 1);
    expect(chooseIds([...names].reverse(), 10, 1)).toEqual(chosen);
    expect(chooseIds(names, 10, 2).ids).not.toEqual(chosen.ids);
    expect(new Set(chosen.ids).size).toBe(10);
    expect(chooseIds(names, 50, 1).ids.sort()).toEqual([...names].sort());
  });
  it("refuses to choose more than there are", () => {
    expect(() => chooseIds(names, 51, 1)).toThrow("51 images were asked for; there are only 50.");
  });
});

describe("imageIdOf", () => {
  it.each([
    ["COCO_val2014_000000310196.jpg", "310196"],
    ["COCO_train2014_000000000009.png", "9"],
    ["000000000139.jpg", "139"],
    ["my.cat.png", "my.cat"],
    ["00042.png", "00042"],
    ["1234567890123456789.png", "1234567890123456789"],
    ["IMG_202311251200.jpg", "IMG_202311251200"],
    ["a000000000042.png", "a000000000042"],
    ["COCO_val2014_000000310196_blurred.png", "COCO_val2014_000000310196_blurred"],
  ])("%s is image %s", (name, id) => {
    expect(imageIdOf(name)).toBe(id);
  });
});

describe("numericId", () => {
  it.each([
    ["310196", 310196],
    ["0", 0],
    ["00042", "00042"],
    ["1234567890123456789", "1234567890123456789"],
    ["9007199254740993", "9007199254740993"],
    ["1e3", "1e3"],
    ["my.cat", "my.cat"],
  ])("%s stays what it is", (id, expected) => {
    expect(numericId(id)).toBe(expected);
    expect(String(numericId(id))).toBe(id);
  });
});
