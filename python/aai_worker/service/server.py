"""Commands in, events out: the data socket on the main thread, where the model computes."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import zmq

from ..errors import Cancelled, WorkerError
from ..events import Attention, Event
from ..protocol import (
    COMMANDS,
    EVENTS,
    GenerateCommand,
    GenerateSummary,
    Nothing,
    Ready,
    RowEvent,
    Token,
    TokensEvent,
    WorkerFault,
)
from . import wire
from .control import Control
from .lease import Lease
from .window import Window

_EVENT_TYPES = {schema: type for type, schema in EVENTS.items()}
# A token event takes about as much on the wire; only to decide whether it is worth sending now.
_TOKEN_BYTES = 64


class Server:
    """Answers one command after another, each by exactly one `result`, `cancelled` or `error`."""

    def __init__(
        self,
        invitation: dict[str, Any],
        lease: Lease,
        create_engine: Callable[[str, int | None], tuple[Any, Ready]],
    ) -> None:
        self.create_engine = create_engine
        context: zmq.Context[Any] = zmq.Context.instance()
        self.control = Control(context, invitation, lease)
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.IDENTITY, invitation["identity"].encode())
        self.socket.setsockopt(zmq.LINGER, 1000)
        self.socket.setsockopt(zmq.SNDHWM, 0)  # backpressure is counted in bytes, by `Window`
        self.socket.connect(invitation["data"])
        self.wake = context.socket(zmq.PULL)
        self.wake.connect("inproc://wake")

    def serve(self) -> None:
        """Returns when the driver asks for shutdown."""
        self.control.start()
        self.control.welcomed.wait()
        if self.control.stopping or not self._get_ready():
            return
        poller = zmq.Poller()
        poller.register(self.socket, zmq.POLLIN)
        poller.register(self.wake, zmq.POLLIN)
        while not self.control.stopping:
            if self.socket in dict(poller.poll()):
                self._answer(self.socket.recv_multipart(copy=False))
        self.socket.close()
        self.wake.close()
        self.control.join()
        zmq.Context.instance().term()  # waits, for at most the linger time, until everything is sent

    def _get_ready(self) -> bool:
        """Imports torch and transformers, which takes seconds, and says what this worker can do."""
        welcome = self.control.welcome
        assert welcome is not None
        try:
            self.engine, ready = self.create_engine(welcome.device, welcome.threads)
        except Exception as error:  # importing a broken installation raises anything
            if not isinstance(error, WorkerError):  # a sentence says it all
                traceback.print_exception(error)
            self.control.send("error", _fault(error))
            self.control.join(timeout=5)  # the driver ends this process once it has read why
            return False
        self.control.send("ready", ready)
        return True

    def _answer(self, frames: list[zmq.Frame]) -> None:
        try:
            header, body, arrays = wire.decode(frames)
        except (ValueError, msgspec.DecodeError) as error:
            print(f"unreadable message dropped: {error}", file=sys.stderr)
            return
        self.control.begin(header.id, header.type)
        try:
            schema = COMMANDS.get(header.type)
            if schema is None:
                raise WorkerError(
                    "unknown-command",
                    f'This worker does not know the command "{header.type}"; it knows {", ".join(COMMANDS)}.',
                )
            command = msgspec.msgpack.decode(body, type=schema)
            self._run(header.id, header.type, command, arrays)
        except msgspec.ValidationError as error:
            self._send(
                header.id,
                "error",
                WorkerFault(code="bad-input", message=f'"{header.type}": {error}.', traceback=""),
            )
        except Exception as error:
            self._send(header.id, "error", _fault(error))
        finally:
            self.control.end()

    def _run(self, id: int, type: str, command: Any, arrays: list[np.ndarray]) -> None:
        engine = self.engine
        result: msgspec.Struct | None = None
        attached: list[wire.NamedArray] = []
        match type:
            case "generate":
                self._generate(id, command, arrays)
                return
            case "load":
                result = engine.load(command, progress=self.control.step)
            case "unload":
                engine.unload(command)
            case "describe":
                result = engine.describe(command)
            case "extractVision":
                result, tokens, grid, picture = engine.extract_vision(command, arrays)
                attached = [
                    wire.NamedArray("tokens", tokens, ("imageToken",)),
                    wire.NamedArray("grid", grid, ("row", "column")),
                    wire.NamedArray("picture", picture, ("row", "column", "channel")),
                ]
            case "installHook":
                result = engine.install_hook(command, arrays)
            case "removeHook":
                engine.remove_hook(command)
            case "listHooks":
                result = engine.list_hooks(command)
            case "loadPlugin":
                result = engine.load_plugin(command, arrays)
        self.control.models = engine.models
        self._send(id, "result", result or Nothing(), attached)

    def _generate(self, id: int, command: GenerateCommand, arrays: list[np.ndarray]) -> None:
        control = self.control
        window = control.window = Window(command.window)
        sender = EventSender(self, id, window)
        try:
            for event in self.engine.generate(
                command, arrays, should_stop=control.should_stop, progress=control.step
            ):
                if isinstance(event, GenerateSummary):
                    sender.flush()
                    self._send(id, "result", event)
                    return
                if isinstance(event, TokensEvent):
                    control.generated_tokens += len(event.tokens)
                elif isinstance(event, RowEvent) and not command.stream:
                    control.generated_tokens += len(event.token_ids)
                sender.send(event)
        except Cancelled:
            self._send(id, "cancelled", Nothing())

    def _send(self, id: int, type: str, body: msgspec.Struct, arrays: Sequence[wire.NamedArray] = ()) -> None:
        self.socket.send_multipart(wire.encode(id, type, body, arrays), copy=False)


class EventSender:
    """Keeps to the reader's window: arrays wait for room, tokens wait together while there is none."""

    def __init__(self, server: Server, id: int, window: Window) -> None:
        self._server = server
        self._id = id
        self._window = window
        self._tokens: list[Token] = []

    def send(self, event: Event) -> None:
        """Raises Cancelled when the command is cancelled while it waits for room."""
        if isinstance(event, TokensEvent):
            self._tokens.extend(event.tokens)
            if self._window.has_room(_TOKEN_BYTES * len(self._tokens)):
                self.flush()
            return
        self.flush()
        if isinstance(event, Attention):
            self._send(event.body, [wire.NamedArray("attention", event.weights, ("layer", "head", "key"))])
        else:
            self._send(event, [])

    def flush(self) -> None:
        if self._tokens:
            tokens, self._tokens = self._tokens, []
            self._send(TokensEvent(tokens=tokens), [])

    def _send(self, body: msgspec.Struct, arrays: list[wire.NamedArray]) -> None:
        frames = wire.encode(self._id, _EVENT_TYPES[type(body)], body, arrays)
        if not self._window.take(sum(len(frame) for frame in frames), self._server.control.should_stop):
            raise Cancelled
        self._server.socket.send_multipart(frames, copy=False)


def _fault(error: Exception) -> WorkerFault:
    if isinstance(error, WorkerError):
        return WorkerFault(code=error.code, message=str(error), traceback="")
    text = "".join(traceback.format_exception(error))
    return WorkerFault(code="internal", message=f"{type(error).__name__}: {error}", traceback=text)
