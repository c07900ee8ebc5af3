"""The control socket, on a thread of its own: what it carries never queues behind a forward pass."""

from __future__ import annotations

import os
import platform
import sys
import threading
import time
from typing import Any, Literal

import msgspec
import zmq

from .. import __version__
from ..protocol import (
    CONTROL_TO_WORKER,
    PROTOCOL_HASH,
    Cancel,
    Credit,
    Hello,
    Pong,
    Stats,
    Welcome,
    WorkerFault,
)
from . import wire
from .lease import Lease
from .window import Window


class Control(threading.Thread):
    """State that both threads read and write, each attribute by one simple assignment."""

    def __init__(self, context: zmq.Context, invitation: dict[str, Any], lease: Lease) -> None:
        super().__init__(name="control", daemon=True)
        self.welcome: Welcome | None = None
        self.welcomed = threading.Event()
        self.stopping = False
        self.cancelled: set[int] = set()
        # What the main thread is doing, for `pong` and `stats`.
        self.command = ""
        self.command_id = 0
        self.window: Window | None = None
        self.progress = 0
        self.generated_tokens = 0
        self.models: list[str] = []
        self._since = time.monotonic()
        self._token = invitation["token"]
        self._lease = lease
        self._socket = context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.IDENTITY, invitation["identity"].encode())
        self._socket.setsockopt(zmq.LINGER, 1000)
        self._socket.connect(invitation["control"])
        # Messages of the main thread enter here: a socket belongs to one thread.
        self._outbox = context.socket(zmq.PULL)
        self._outbox.bind("inproc://control-outbox")
        self._main = context.socket(zmq.PUSH)
        self._main.connect("inproc://control-outbox")
        # Wakes the main thread out of its wait for commands.
        self._waker = context.socket(zmq.PUSH)
        self._waker.bind("inproc://wake")

    def send(self, type: str, body: msgspec.Struct) -> None:
        """Sends a control message; called from the main thread."""
        self._main.send_multipart(wire.encode(0, type, body))

    def should_stop(self) -> bool:
        """True once the command that runs was cancelled, or the worker is asked to leave."""
        return self.stopping or self.command_id in self.cancelled

    def begin(self, id: int, command: str) -> None:
        self.command, self.command_id = command, id

    def end(self) -> None:
        self.cancelled.discard(self.command_id)
        self.command, self.command_id, self.window = "", 0, None

    def step(self) -> None:
        """Progress was made: a shard read, a prefill, a decoding step."""
        self.progress += 1

    def run(self) -> None:
        hello = Hello(
            protocol_hash=PROTOCOL_HASH,
            worker_version=__version__,
            python_version=platform.python_version(),
            pid=os.getpid(),
            token=self._token,
        )
        self._reply("hello", hello)
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._outbox, zmq.POLLIN)
        while not self.stopping:
            ready = dict(poller.poll(self._lease.wait))
            if not ready or self._socket in ready:
                self._lease.heard(anything=bool(ready))
            if self._outbox in ready:
                self._socket.send_multipart(self._outbox.recv_multipart())
            if self._socket in ready:
                self._receive(self._socket.recv_multipart(copy=False))
        for socket in (self._socket, self._outbox, self._main, self._waker):
            socket.close()

    def _receive(self, frames: list[zmq.Frame]) -> None:
        try:
            header, body, _ = wire.decode(frames)
            schema = CONTROL_TO_WORKER.get(header.type)
            if schema is None:
                return  # of a newer driver
            message = msgspec.msgpack.decode(body, type=schema)
        except (ValueError, msgspec.DecodeError) as error:
            self._reply(
                "error",
                WorkerFault(code="protocol", message=f"unreadable control message: {error}", traceback=""),
            )
            return
        getattr(self, f"_on_{header.type}")(message)

    def _on_welcome(self, message: Welcome) -> None:
        self.welcome = message
        self.welcomed.set()

    def _on_ping(self, _: Any) -> None:
        window = self.window
        state: Literal["idle", "busy", "waiting"] = "busy" if self.command else "idle"
        if window is not None and window.waiting:
            state = "waiting"
        pong = Pong(state=state, command=self.command, id=self.command_id, progress=self.progress)
        self._reply("pong", pong)

    def _on_credit(self, message: Credit) -> None:
        window = self.window
        if window is not None and message.id == self.command_id:
            window.give(message.bytes)

    def _on_cancel(self, message: Cancel) -> None:
        # A cancel that crosses the end of its command must not linger: ids only grow.
        if message.id >= self.command_id:
            self.cancelled.add(message.id)

    def _on_stats(self, _: Any) -> None:
        stats = Stats(
            uptime_seconds=time.monotonic() - self._since,
            resident_bytes=_resident_bytes(),
            device_bytes=_device_bytes(),
            models=list(self.models),
            generated_tokens=self.generated_tokens,
        )
        self._reply("stats", stats)

    def _on_shutdown(self, _: Any) -> None:
        self.stopping = True
        self.welcomed.set()
        self._waker.send(b"")

    def _reply(self, type: str, body: msgspec.Struct) -> None:
        self._socket.send_multipart(wire.encode(0, type, body))


def _device_bytes() -> int:
    """GPU memory held by PyTorch; 0 where there is none, or before torch is imported."""
    torch = sys.modules.get("torch")
    return torch.cuda.memory_allocated() if torch is not None and torch.cuda.is_initialized() else 0


def _resident_bytes() -> int:
    """Resident memory now on Linux; elsewhere the peak, the nearest that the standard library knows."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        pass
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024
