"""`python -m aai_worker`: started by a driver, whose line of JSON on stdin says where to connect."""

from __future__ import annotations

import faulthandler
import json
import os
import shutil
import signal
import sys
import threading
from typing import Any


def main() -> None:
    # Dumped to stderr by C code, so it works even while the interpreter is stuck.
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, all_threads=True)
    faulthandler.enable()
    line = sys.stdin.buffer.readline()
    try:
        invitation = json.loads(line)
    except ValueError:
        sys.exit(
            "aai_worker is started by the align-attention driver, which tells it on stdin where to connect."
        )
    threading.Thread(
        target=_leave_with_driver, args=(invitation["folder"],), name="stdin", daemon=True
    ).start()

    from .server import Server

    Server(invitation, _create_engine).serve()


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


def _leave_with_driver(folder: str | None) -> None:
    """Stdin ends when the driver is gone, however it went: then nothing of this process may be left."""
    while os.read(0, 4096):  # not sys.stdin: its lock would be held when the interpreter shuts down
        pass
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    main()
