import { expect, test, vi } from "vitest";
import { noteEdits } from "../../../src/cli/notes/edits";
import { sumUp } from "../../../src/experiments/store/attestation";

const attested = (...rows: { steps: number; constantReference: boolean }[]) =>
  sumUp(rows.map((row) => ({ edits: [{ method: "aai", layers: [], ...row }] })));
const good = { steps: 3, constantReference: false };
const constant = { steps: 3, constantReference: true };
const idle = { steps: 0, constantReference: false };

function said(...all: Parameters<typeof noteEdits>[0]): string[] {
  const stderr = vi.spyOn(console, "error").mockImplementation(() => {});
  const stdout = vi.spyOn(console, "log").mockImplementation(() => {});
  try {
    noteEdits(all);
    expect(stdout).not.toHaveBeenCalled();
    return stderr.mock.calls.map(([line]) => String(line));
  } finally {
    vi.restoreAllMocks();
  }
}

test("nothing is said of edits that acted, nor of answers without any", () => {
  expect(
    said({ attestation: attested(good, good, idle) }, { attestation: sumUp([]) }, { name: "old" }),
  ).toEqual([]);
});

test("a constant reference is one line, with the rows or cells where it is so in some only", () => {
  const words = (where: string) => [
    `aai: the vision reference has the same value for every image token${where}, so the edit aligned with nothing; --reference-mode corrected takes what was meant.`,
  ];
  expect(said({ attestation: attested(constant, constant) })).toEqual(words(""));
  expect(said({ attestation: attested(constant, good, good) })).toEqual(words(" in 1 of 3 rows"));
  const cell = (name: string, ...rows: (typeof good)[]) => ({ name, attestation: attested(...rows) });
  const cells = ["a", "b", "c", "d"].map((name) => cell(name, constant, good));
  expect(said(cell("plain"), ...cells)).toEqual(words(" in 4 cells (a; b; c; …)"));
  expect(said(cell("plain"), cells[0]!, cell("corrected", good))).toEqual(words(" in the cell (a)"));
});

test("an edit that acted in no step of any row is a line of its own", () => {
  expect(said({ attestation: attested(idle, idle) })).toEqual([
    "aai: no step of any row was edited by aai: every answer ended within its warm-up; --warmup -1 edits from the first token on.",
  ]);
  const both = sumUp([
    {
      edits: [
        { method: "aai", layers: [], ...idle },
        { method: "focus", layers: [], ...constant, steps: 0 },
      ],
    },
  ]);
  const [first, second, ...others] = said({ name: "x", attestation: both });
  expect(first).toContain("same value for every image token in the cell (x)");
  expect(second).toContain("no step of any row was edited by aai or focus in the cell (x): ");
  expect(others).toEqual([]);
});
