import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cocoGroundTruth } from "../../../src/benchmarks/chair/coco";
import { arrayElements } from "../../../src/data/json_array";

const categories = [
  { id: 1, name: "person" },
  { id: 62, name: "chair" },
  { id: 17, name: "cat" },
];
const instances = {
  info: { annotations: [{ image_id: 99, category_id: 1 }] },
  images: [{ id: 5, file_name: 'a "quoted\\" name ]}' }, { id: 6 }, { id: 7 }],
  annotations: [
    { image_id: 5, category_id: 62, segmentation: [[1.5, 2]], bbox: [{}] },
    { image_id: 5, category_id: 62 },
    { image_id: 6, category_id: 1 },
  ],
  categories,
};
const captions = {
  annotations: [
    { image_id: 6, caption: "A man and two dogs." },
    { image_id: 7, caption: "Nothing." },
  ],
};

describe("cocoGroundTruth", () => {
  it("joins the classes of instances and reference captions, of whichever files are there", () => {
    const folder = annotations({ "instances_val2014.json": instances, "captions_val2014.json": captions });
    const cacheFolder = temporaryFolder();
    const expected = {
      objects: { 5: ["chair"], 6: ["dog", "person"], 7: [] },
      sources: ["instances_val2014.json", "captions_val2014.json"],
    };
    expect(cocoGroundTruth(folder, { cacheFolder })).toEqual(expected);
    expect(cocoGroundTruth(folder, { cacheFolder })).toEqual(expected);
    expect(readdirSync(cacheFolder)).toHaveLength(1);
    const [cache] = readdirSync(cacheFolder);
    writeFileSync(join(cacheFolder, cache!), '{"objects": {"5": ['); // a disk that was full
    expect(cocoGroundTruth(folder, { cacheFolder })).toEqual(expected);
    const only = cocoGroundTruth(folder, { cacheFolder, instancesOnly: true });
    expect(only.objects).toEqual({ 5: ["chair"], 6: ["person"], 7: [] });
    expect(only.sources).toEqual(["instances_val2014.json"]);
  });

  it("takes its cache for files of the same content only", () => {
    const cacheFolder = temporaryFolder();
    const first = annotations({ "instances_val2014.json": instances });
    const changed = { ...instances, annotations: [{ image_id: 5, category_id: 17 }] };
    expect(cocoGroundTruth(first, { cacheFolder }).objects[5]).toEqual(["chair"]);
    const second = annotations({ "instances_val2014.json": changed });
    expect(cocoGroundTruth(second, { cacheFolder }).objects[5]).toEqual(["cat"]);
  });

  it("joins train and val", () => {
    const train = { images: [{ id: 1 }], annotations: [{ image_id: 1, category_id: 17 }], categories };
    const folder = annotations({ "instances_val2017.json": instances, "instances_train2017.json": train });
    const { objects } = cocoGroundTruth(folder, { cacheFolder: temporaryFolder() });
    expect(objects).toEqual({ 1: ["cat"], 5: ["chair"], 6: ["person"], 7: [] });
  });

  it.each([
    ["nothing", {}, /no COCO annotation in .*expected at least one of instances_train2014\.json/],
    ["no annotations", { "instances_val2014.json": { images: [], categories } }, /there is no "annotations"/],
    [
      "an unknown category",
      { "instances_val2014.json": { ...instances, categories: [{ id: 1, name: "unicorn" }] } },
      /category "unicorn" is none of COCO's/,
    ],
  ])("refuses %s", (_, files, message) => {
    expect(() => cocoGroundTruth(annotations(files), { cacheFolder: temporaryFolder() })).toThrow(message);
  });

  it("refuses a file that is cut off, and leaves no cache", () => {
    const folder = temporaryFolder();
    const cacheFolder = temporaryFolder();
    writeFileSync(join(folder, "instances_val2014.json"), JSON.stringify(instances).slice(0, -40));
    expect(() => cocoGroundTruth(folder, { cacheFolder })).toThrow(
      "is not a COCO annotation file: the file is cut off",
    );
    expect(readdirSync(cacheFolder)).toEqual([]);
  });
});

describe("arrayElements", () => {
  it("gives what JSON.parse gives, however it is spaced", () => {
    for (const spaces of [0, 2]) {
      const json = Buffer.from(JSON.stringify(instances, null, spaces));
      for (const key of ["images", "annotations", "categories"] as const) {
        expect([...arrayElements(json, key)]).toEqual(instances[key]);
      }
    }
  });
});

function annotations(files: Record<string, unknown>): string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), JSON.stringify(content));
  return folder;
}

function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "aai-test-"));
}
