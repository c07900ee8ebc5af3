/** What to do about a failed installation, read off its output. */

const causes = [
  {
    sign: /No space left on device|ENOSPC|Errno 28/,
    remedy:
      "The disk is full. A CPU environment needs about 2 GB, one with CUDA about 8 GB: free some space and run again.",
  },
  {
    sign: /ensurepip is not|No module named '?(venv|ensurepip)|ensurepip.*returned non-zero/,
    remedy:
      "This Python has no venv module. On Debian and Ubuntu: sudo apt install python3-venv. Elsewhere install Python from python.org.",
  },
  {
    sign: /name resolution|resolve host|getaddrinfo|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|Network is unreachable|NewConnectionError|ConnectTimeout|ProxyError|Max retries exceeded/,
    remedy:
      "The package registry could not be reached. Check the network and proxy (HTTPS_PROXY), or set AAI_PYTHON to an interpreter that has torch and transformers.",
  },
  {
    sign: /No matching distribution found for torch|Could not find a version that satisfies the requirement torch/,
    remedy:
      "There is no torch wheel for this Python on this platform. Use Python 3.10 to 3.14 on a 64-bit system, or set AAI_PYTHON to an interpreter with torch>=2.9.",
  },
  {
    sign: /EACCES|Permission denied|Errno 13/,
    remedy: "A file could not be written. Check who owns this folder (was an earlier set-up run with sudo?).",
  },
  {
    sign: /^npm (error|ERR!)/m,
    remedy: "npm could not install the packages. `npm install` in this folder shows the whole message.",
  },
];

/** One or two sentences of advice for this output. */
function explain(output) {
  const cause = causes.find(({ sign }) => sign.test(output));
  return (
    cause?.remedy ?? "Set-up stopped there. Mend what the lines above say and run the same command again."
  );
}

module.exports = { explain };
