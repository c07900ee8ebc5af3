import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { chooseIds, imageIdOf, readIds } from "../../src/data/ids";
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
    expect(() => readIds(temporaryFile("ids.json", "[{}]"))).toThrow("expected a list of image ids");
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
  it("is the number of a COCO file name, else the name", () => {
    expect(imageIdOf("COCO_val2014_000000310196.jpg")).toBe("310196");
    expect(imageIdOf("000000000139.jpg")).toBe("139");
    expect(imageIdOf("my.cat.png")).toBe("my.cat");
  });
});
