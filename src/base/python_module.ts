/**
 * Arguments with which Python runs a module without looking into the working folder, where a file such as `torch.py` would
 * stand in for the package of its name. `-P` and PYTHONSAFEPATH do that from Python 3.11 on; this does on 3.10, too.
 */
export function moduleArguments(module: string, ...args: readonly string[]): string[] {
  return ["-c", withoutWorkingFolder, module, ...args];
}

/** `sys` is part of the interpreter; all that comes after it is found without the working folder. */
const withoutWorkingFolder = [
  "import sys",
  "sys.path[:] = [place for place in sys.path if place != '']",
  "import runpy",
  "module = sys.argv.pop(1)",
  "runpy.run_module(module, run_name='__main__', alter_sys=True)",
].join("; ");
