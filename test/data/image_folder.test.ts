import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { imageExtensions, imageFolder } from "../../src/data/image_folder";
import { findPython } from "../../src/environment/python";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "images-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const put = (...names: string[]) => {
  for (const name of names) writeFileSync(join(folder, name), "");
};

test("files with an image's extension are images, whatever else their names hold", () => {
  const names = [
    "COCO_val2014_000000001007.png",
    "00042.PNG",
    "-x.gif",
    "100%.tiff",
    "Foto äöü 图 (1).jpeg",
    "a.b.avif",
  ];
  put(...names);
  const { files, others } = imageFolder(folder);
  expect([...files]).toEqual([
    ["-x", "-x.gif"],
    ["00042", "00042.PNG"],
    ["100%", "100%.tiff"],
    ["1007", "COCO_val2014_000000001007.png"],
    ["Foto äöü 图 (1)", "Foto äöü 图 (1).jpeg"],
    ["a.b", "a.b.avif"],
  ]);
  expect(others).toEqual([]);
});

test("sidecar files, hidden files and folders are none, and are told", () => {
  put("a.png", "a.txt", "a.json", "._a.png", ".b.png", ".DS_Store", "Thumbs.db", "png", "a.png.part");
  mkdirSync(join(folder, "c.png"));
  symlinkSync(join(folder, "c.png"), join(folder, "d.png"));
  const { files, others } = imageFolder(folder);
  expect([...files]).toEqual([["a", "a.png"]]);
  expect(new Set(others)).toEqual(
    new Set([
      "a.txt",
      "a.json",
      "._a.png",
      ".b.png",
      ".DS_Store",
      "Thumbs.db",
      "png",
      "a.png.part",
      "c.png",
      "d.png",
    ]),
  );
});

test("a link is the image that it leads to; one that leads nowhere is an image that cannot be read", () => {
  put("a.png");
  symlinkSync("a.png", join(folder, "b.png"));
  symlinkSync("/nowhere/c.png", join(folder, "c.png"));
  symlinkSync("d.png", join(folder, "d.png")); // to itself
  expect([...imageFolder(folder).files.keys()]).toEqual(["a", "b", "c", "d"]);
});

test("numbers of 19 digits stay apart, though they end alike", () => {
  put("1234567890123456781.png", "9934567890123456781.png", "000000000042.png", "00042.png");
  expect([...imageFolder(folder).files.keys()]).toEqual([
    "42",
    "00042",
    "1234567890123456781",
    "9934567890123456781",
  ]);
});

test.each([
  [["cat.jpg", "cat.png"], "cat.jpg and cat.png in"],
  [["000000000042.png", "COCO_val2014_000000000042.png"], "are both image 42"],
  [["42.png", "000000000042.png"], "000000000042.png and 42.png in"],
])("%j have one id, and both are named", (names, message) => {
  put(...names);
  expect(() => imageFolder(folder)).toThrow(message);
});

test("a folder without images, no folder and a file are refused", () => {
  put("a.txt");
  expect(() => imageFolder(folder)).toThrow(/There is no image \(png, .*tiff, avif, .*\) in /);
  expect(() => imageFolder(join(folder, "none"))).toThrow("There is no folder");
  expect(() => imageFolder(join(folder, "a.txt"))).toThrow("cannot be read as a folder of images");
});

test("the extensions are those that Pillow has for the formats which the worker reads", async () => {
  const script = `
from PIL import Image
from aai_worker.inputs.images import FORMATS
Image.init()
print(" ".join(name[1:] for name, kind in Image.registered_extensions().items() if kind in (*FORMATS, "AVIF")))`;
  const { stdout } = await execa(findPython().python, ["-c", script], {
    env: { PYTHONPATH: join(__dirname, "../../python") },
  });
  const avifs = ["avifs"]; // sequences, which nobody evaluates
  expect(new Set([...imageExtensions, ...avifs])).toEqual(new Set([...stdout.split(" "), "avif", ...avifs]));
});
