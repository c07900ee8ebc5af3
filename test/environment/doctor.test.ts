import { afterEach, describe, expect, test } from "vitest";
import { doctor } from "../../src/environment/doctor";
import { checkProbe, type Probe } from "../../src/environment/python_checks";

const outer = process.env.AAI_PYTHON;
afterEach(() => {
  if (outer === undefined) delete process.env.AAI_PYTHON;
  else process.env.AAI_PYTHON = outer;
});

test("in this environment nothing fails", async () => {
  const checks = await doctor();
  expect(checks.filter(({ state }) => state === "fail")).toEqual([]);
  expect(checks.map(({ name }) => name)).toEqual([
    ...["Node", "ZeroMQ in Node", "Python", "torch", "Device", "transformers", "Python packages"],
    ...["Hugging Face cache", "Node to Python", "Demo checkpoint"],
  ]);
  const loopback = checks.find(({ name }) => name === "Node to Python");
  expect(loopback?.detail).toMatch(/^\d+ µs a round trip, \d+ MB\/s$/);
});

test("a wrong interpreter is one red line, and the others still come", async () => {
  process.env.AAI_PYTHON = "/bin/false";
  const checks = await doctor();
  const failures = checks.filter(({ state }) => state === "fail");
  expect(failures).toEqual([
    expect.objectContaining({ name: "Python", remedy: expect.stringContaining("npx aai setup") }),
  ]);
  expect(checks.map(({ name }) => name)).toContain("Demo checkpoint");
});

describe("what Python answers", () => {
  const fine = { version: "1.0", error: null };
  const probe: Probe = {
    python: { version: "3.11.7", executable: "/usr/bin/python3" },
    torch: { version: "2.13.0+cpu", error: null },
    transformers: { version: "5.18.0", error: null },
    torchvision: { version: null, error: null },
    packages: { numpy: fine, pyzmq: fine },
    devices: [
      { device: "cuda:0", name: "NVIDIA H100", bytes: 85_899_345_920 },
      { device: "cpu", name: "x86_64, 8 threads", bytes: null },
    ],
    cache: { folder: "/cache", freeBytes: 100 * 2 ** 30, checkpoints: 2, offline: false },
  };

  test("all well", () => {
    expect(checkProbe(probe).every(({ state }) => state === "ok")).toBe(true);
    expect(checkProbe(probe).find(({ name }) => name === "Device")?.detail).toBe(
      "cuda:0 (NVIDIA H100, 80 GiB); cpu (x86_64, 8 threads)",
    );
  });

  test.each<[string, Partial<Probe>, string, "warn" | "fail", RegExp]>([
    ["old Python", { python: { version: "3.9.1", executable: "p" } }, "Python", "fail", /3\.10/],
    ["no torch", { torch: { version: null, error: null } }, "torch", "fail", /aai setup/],
    ["old torch", { torch: { version: "2.4.1", error: null } }, "torch", "fail", /torch>=2\.9/],
    [
      "broken torch",
      { torch: { version: "2.13.0", error: "OSError: libcudart" } },
      "torch",
      "fail",
      /aai setup/,
    ],
    ["next transformers", { transformers: { version: "6.0.0", error: null } }, "transformers", "fail", /<6/],
    [
      "broken torchvision",
      { torchvision: { version: "0.28", error: "no nms" } },
      "torchvision",
      "fail",
      /uninstall/,
    ],
    [
      "no pyzmq",
      { packages: { pyzmq: { version: null, error: null } } },
      "Python packages",
      "fail",
      /aai setup/,
    ],
    ["no device", { devices: [] }, "Device", "fail", /aai setup/],
    ["full disk", { cache: { ...probe.cache, freeBytes: 2 ** 30 } }, "Hugging Face cache", "warn", /HF_HOME/],
  ])("%s", (_, change, name, state, remedy) => {
    const unwell = checkProbe({ ...probe, ...change }).filter((check) => check.state !== "ok");
    expect(unwell).toEqual([expect.objectContaining({ name, state, remedy: expect.stringMatching(remedy) })]);
  });
});
