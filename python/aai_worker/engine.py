"""The engine: models and hooks by name, the protocol's commands as plain calls. It knows no socket."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from .attention import METHODS
from .contrast import CONTRASTS
from .decoding.edits import EditRequest, request_edit
from .decoding.generate import generate
from .errors import WorkerError
from .events import Event
from .inputs.arrays import read_array
from .inputs.images import decode_image
from .loading.fingerprint import fingerprint
from .loading.load import load_model
from .loading.quantisation import SCHEMES
from .loading.sources import find_checkpoint
from .memory import memory_faults
from .models import FAMILIES as _FAMILIES
from .models import Model
from .plugins import add_plugin, load_plugin
from .protocol import (
    ExtractVisionCommand,
    GenerateCommand,
    GenerateSummary,
    Hook,
    HookList,
    InstallHookCommand,
    LoadCommand,
    LoadedModel,
    LoadedPlugin,
    LoadPluginCommand,
    ModelCommand,
    RemoveHookCommand,
    VisionReference,
)
from .search import SEARCHES
from .vision.reference import describe_reference

# Names for the protocol's `ready`.
ATTENTION_METHODS = sorted(METHODS)
SEARCH_METHODS = sorted(SEARCHES)
FAMILIES = sorted(_FAMILIES)


@dataclass
class _Loaded:
    model: Model
    answer: LoadedModel
    hooks: dict[str, tuple[Hook, EditRequest]] = field(default_factory=dict)


class Engine:
    """Commands raise `WorkerError` for the caller's faults; anything else that is raised is a defect.

    `arrays` are the frames of the command: images as uint8 [bytes] (an encoded file, e.g. PNG), references as
    float32 [image tokens]. `progress` is called with every loaded tensor, vision pass, prefill and step.
    """

    def __init__(self, device: str = "auto", threads: int | None = None) -> None:
        """`device`: "auto" (cuda, else mps, else cpu) or torch's name; `threads` None: torch's choice."""
        if threads is not None:
            torch.set_num_threads(threads)
        self._device = _find_device(device)
        self.device = str(self._device)
        self.device_name = _name_device(self._device)
        self.generated_tokens = 0
        self._loaded: dict[str, _Loaded] = {}
        self._names = 0  # given out so far: names are never used twice

    @property
    def models(self) -> list[str]:
        """Names of the loaded models: "m1", "m2" ..."""
        return list(self._loaded)

    def load(self, command: LoadCommand, progress: Callable[[], None] = lambda: None) -> LoadedModel:
        started = time.perf_counter()
        if command.device_map is not None and self._device.type != "cuda":
            raise WorkerError(
                "bad-input",
                f'deviceMap "{command.device_map}" spreads a model over CUDA GPUs, and the worker runs on '
                f'"{self._device}"; leave it out.',
            )
        model = load_model(
            command.source,
            command.revision,
            command.dtype,
            command.offline,
            self._device,
            command.device_map,
            progress,
        )
        answer = LoadedModel(
            model=self._new_name("m"),
            description=model.describe(),
            fingerprint=fingerprint(find_checkpoint(command.source, command.revision, offline=True)),
            dtype=command.dtype if command.dtype in SCHEMES else str(model.dtype).removeprefix("torch."),
            device=", ".join(map(str, model.devices)),
            seconds=time.perf_counter() - started,
        )
        self._loaded[answer.model] = _Loaded(model, answer)
        return answer

    def unload(self, command: ModelCommand) -> None:
        self._find(command.model)
        del self._loaded[command.model]
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def describe(self, command: ModelCommand) -> LoadedModel:
        return self._find(command.model).answer

    @torch.inference_mode()
    def extract_vision(
        self, command: ExtractVisionCommand, arrays: list[np.ndarray]
    ) -> tuple[VisionReference, np.ndarray, np.ndarray, np.ndarray]:
        """Statistics, then float32 `tokens` [image tokens] and `grid` [rows, columns], uint8 `picture`."""
        model = self._find(command.model).model
        image = decode_image(read_array(arrays, command.image, "image").tobytes())
        with memory_faults("the vision pass does not fit; unload other models"):
            vision = model.encode_image(model.preprocess(image), frozenset([command.mode]))
        reference = vision.references[command.mode]
        return (
            describe_reference(command.mode, reference),
            reference.tokens.numpy(),
            reference.grid.numpy(),
            model.picture(image),
        )

    def install_hook(self, command: InstallHookCommand, arrays: list[np.ndarray]) -> Hook:
        """For every row that names no edits itself, until removed; hooks apply in order of installation."""
        loaded = self._find(command.model)
        name = self._new_name("h")
        request = request_edit(command.edit, arrays, loaded.model, hook=name)
        hook = Hook(hook=name, edit=command.edit)
        loaded.hooks[name] = (hook, request)
        return hook

    def remove_hook(self, command: RemoveHookCommand) -> None:
        hooks = self._find(command.model).hooks
        if command.hook not in hooks:
            known = ", ".join(hooks) or "none"
            raise WorkerError(
                "unknown-hook", f'"{command.model}" has no hook "{command.hook}"; installed: {known}.'
            )
        del hooks[command.hook]

    def list_hooks(self, command: ModelCommand) -> HookList:
        return HookList(hooks=[hook for hook, _ in self._find(command.model).hooks.values()])

    def load_plugin(self, command: LoadPluginCommand, arrays: list[np.ndarray]) -> LoadedPlugin:
        """Runs the file: it is the user's own, and named by the user."""
        file = load_plugin(command.file, read_array(arrays, command.source, "source").tobytes())
        add_plugin(file, built_in={*METHODS, *CONTRASTS, "none"})
        declared = [declaration.public for declaration in file.declarations.values()]
        return LoadedPlugin(sha256=file.sha256, declarations=declared)

    def generate(
        self,
        command: GenerateCommand,
        arrays: list[np.ndarray],
        should_stop: Callable[[], bool] = lambda: False,
        progress: Callable[[], None] = lambda: None,
    ) -> Iterator[Event]:
        """Events as they come, `GenerateSummary` last; raises `Cancelled` within a step of `should_stop`."""
        loaded = self._find(command.model)
        hooks = [request for _, request in loaded.hooks.values()]
        for event in generate(loaded.model, command, hooks, arrays, should_stop, progress):
            if isinstance(event, GenerateSummary):
                self.generated_tokens += event.timings.generated_tokens
            yield event

    def _find(self, name: str) -> _Loaded:
        if name not in self._loaded:
            known = ", ".join(self._loaded) or "none"
            raise WorkerError("unknown-model", f'No model "{name}" is loaded; loaded: {known}.')
        return self._loaded[name]

    def _new_name(self, kind: str) -> str:
        self._names += 1
        return f"{kind}{self._names}"


def _find_device(name: str) -> torch.device:
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)  # fails for a device that this machine or this torch has not
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise WorkerError("bad-input", f'Device "{name}" cannot be used: {reason}') from error
    return device


def _name_device(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return platform.processor() or platform.machine()
