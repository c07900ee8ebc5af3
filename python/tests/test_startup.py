"""Torch takes seconds to import: the driver is greeted before, one-shot questions are answered without."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    ["aai_worker.service.server", "aai_worker.__main__", "aai_worker.environment", "aai_worker.protocol"],
)
def test_is_imported_without_torch(module: str) -> None:
    program = f"import sys, {module}; print(sorted({{'torch', 'transformers'}} & sys.modules.keys()))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (result.stdout.strip(), result.returncode) == ("[]", 0), result.stderr
