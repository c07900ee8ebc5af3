"""`python -m aai_worker`: started by a driver, whose line of JSON on stdin says where to connect.

`python -m aai_worker --invitation FILE`: started by something else; the file holds that line. It is removed
once read, for the token in it, and the worker stays as long as it hears from the driver.
"""

from __future__ import annotations

import faulthandler
import json
import signal
import sys
from pathlib import Path
from typing import Any

from .service.lease import Lease, leave_with_stdin

_LEASE_SECONDS = 120.0


def main() -> None:
    # Dumped to stderr by C code, so it works even while the interpreter is stuck.
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, all_threads=True)
    faulthandler.enable()
    invitation, lease = _read_invitation(sys.argv[1:])

    from .service.server import Server

    Server(invitation, lease, _create_engine).serve()


def _read_invitation(arguments: list[str]) -> tuple[dict[str, Any], Lease]:
    match arguments:
        case []:
            invitation = _parse(sys.stdin.buffer.readline())
            leave_with_stdin(invitation["folder"])
            return invitation, Lease(None, invitation["folder"])
        case ["--invitation", file]:
            path = Path(file)
            invitation = _parse(path.read_bytes())
            path.unlink(missing_ok=True)
            return invitation, Lease(invitation.get("lease", _LEASE_SECONDS), invitation["folder"])
    sys.exit("usage: python -m aai_worker [--invitation FILE]")


def _parse(line: bytes) -> dict[str, Any]:
    try:
        invitation: dict[str, Any] = json.loads(line)
    except ValueError:
        sys.exit(
            "aai_worker is started by the align-attention driver, which tells it on stdin where to connect."
        )
    return invitation


def _create_engine(device: str, threads: int | None) -> tuple[Any, Any]:
    # These import torch, which takes seconds: only after the driver has been greeted.
    import torch
    import transformers

    from .engine import ATTENTION_METHODS, FAMILIES, SEARCH_METHODS, Engine
    from .protocol import COMMANDS, Ready

    engine = Engine(device=device, threads=threads)
    return engine, Ready(
        device=engine.device,
        device_name=engine.device_name,
        torch_version=str(torch.__version__),
        transformers_version=transformers.__version__,
        commands=sorted(COMMANDS),
        attention_methods=ATTENTION_METHODS,
        search_methods=SEARCH_METHODS,
        families=FAMILIES,
    )


if __name__ == "__main__":
    main()
