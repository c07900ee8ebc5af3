import { type Check, failed, ok, warned } from "./check";
import { atLeast } from "./versions";

interface PackageProbe {
  version: string | null;
  error: string | null;
}

/** What `aai_worker.environment.probe` answers. */
export interface Probe {
  python: { version: string; executable: string };
  torch: PackageProbe;
  transformers: PackageProbe;
  torchvision: PackageProbe;
  packages: Record<string, PackageProbe>;
  /** Best first. */
  devices: { device: string; name: string; bytes: number | null }[];
  cache: { folder: string; freeBytes: number; checkpoints: number; offline: boolean };
}

const setup = "npx aai setup";
const gigabyte = 2 ** 30;

/** The checks that Python's answers allow. */
export function checkProbe(probe: Probe): Check[] {
  return [
    checkInterpreter(probe),
    checkPackage("torch", probe.torch, "2.9"),
    checkDevices(probe),
    checkPackage("transformers", probe.transformers, "5.17", "6"),
    ...checkTorchvision(probe.torchvision),
    checkOthers(probe.packages),
    checkCache(probe.cache),
  ];
}

function checkInterpreter({ python }: Probe): Check {
  const detail = `${python.version}, ${python.executable}`;
  return atLeast(python.version, "3.10")
    ? ok("Python", detail)
    : failed("Python", detail, "Python 3.10 or later is needed");
}

function checkPackage(
  name: string,
  { version, error }: PackageProbe,
  minimum: string,
  below?: string,
): Check {
  if (version === null) return failed(name, "not installed", setup);
  if (error !== null) return failed(name, `${version} cannot be imported: ${error}`, setup);
  if (atLeast(version, minimum) && !(below && atLeast(version, below))) return ok(name, version);
  const wanted = below ? `>=${minimum},<${below}` : `>=${minimum}`;
  return failed(name, version, `pip install "${name}${wanted}" in this environment`);
}

function checkDevices({ devices }: Probe): Check {
  const [best] = devices;
  if (!best) return failed("Device", "unknown: torch cannot be imported", setup);
  const detail = devices
    .map(
      ({ device, name, bytes }) =>
        `${device} (${name}${bytes ? `, ${(bytes / gigabyte).toFixed(0)} GiB` : ""})`,
    )
    .join("; ");
  return ok("Device", detail);
}

/** Nothing here needs torchvision, but a broken one takes transformers' image processors down with it. */
function checkTorchvision({ version, error }: PackageProbe): Check[] {
  if (version === null || error === null) return [];
  return [
    failed(
      "torchvision",
      `${version} cannot be imported: ${error}`,
      "pip uninstall torchvision (it is not needed)",
    ),
  ];
}

function checkOthers(packages: Probe["packages"]): Check {
  const broken = Object.entries(packages).filter(
    ([, { version, error }]) => version === null || error !== null,
  );
  if (broken.length === 0) return ok("Python packages", `all ${Object.keys(packages).length} there`);
  const detail = broken.map(([name, { error }]) => `${name} (${error ?? "not installed"})`).join(", ");
  return failed("Python packages", detail, setup);
}

function checkCache({ folder, freeBytes, checkpoints, offline }: Probe["cache"]): Check {
  const free = `${(freeBytes / gigabyte).toFixed(0)} GiB free`;
  const detail = `${folder}: ${checkpoints} checkpoints, ${free}${offline ? ", offline (HF_HUB_OFFLINE)" : ""}`;
  if (freeBytes > 20 * gigabyte) return ok("Hugging Face cache", detail);
  return warned(
    "Hugging Face cache",
    detail,
    "a 7B checkpoint takes 14 GiB: free some space, or move it with HF_HOME",
  );
}
