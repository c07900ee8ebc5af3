"""Two devices on a machine that has none: tensors in the CPU's memory that behave as if they lay elsewhere.

What a model split over GPUs must not do, combine tensors of two of them, fails here as it fails there. What
it computes the CPU's own operations compute, so that it can be compared bit for bit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from accelerate import dispatch_model
from accelerate.utils.modeling import named_module_tensors, set_module_tensor_to_device
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

# Of the device types that torch can name, "lazy" alone can be selected on a build without its hardware.
FAKE = (torch.device("lazy", 0), torch.device("lazy", 1))

_TRANSFERS = {"to", "_to_copy", "copy_"}
_INDEXING = {"index", "index_put", "index_put_"}  # with indices on the CPU, too
# In all others a single number on the CPU may take part, as if it were Python's.
_STRICT = {"cat", "stack", "embedding", "gather", "scatter", "scatter_", "index_select", "index_copy_"}


@contextmanager
def fake_devices() -> Iterator[None]:
    """In this thread FAKE exist. To give the CPU's bits, a model must compute under `torch.inference_mode`.

    Otherwise torch takes some operations (attention above all) apart before they get here, and not as it does
    for the CPU. And the model to compare with has to be a copy (`deepcopy`) of the loaded one: weights mapped
    from a file lie at odd addresses, where matrix products sum in another order.
    """
    create = torch.Generator

    def generator(device: Any = "cpu") -> torch.Generator:
        return create("cpu" if _is_fake(device) else device)

    with (
        _Factories(),
        _Operations(),
        patch.object(torch, "Generator", generator),
        patch.dict(os.environ, HF_DEACTIVATE_ASYNC_LOAD="1"),  # transformers loads weights in other threads
    ):
        yield


def split(network: Any, device_map: dict[str, torch.device]) -> Any:
    """Spreads a network of the CPU as `from_pretrained(device_map=...)` (works, too) does: by accelerate."""
    # accelerate places modules only; `from_pretrained` has loaded single weights that the map names in place.
    for name, _ in [*network.named_parameters(), *network.named_buffers()]:
        if name in device_map:
            set_module_tensor_to_device(network, name, device_map[name])
    skip = network._skip_keys_device_placement
    return dispatch_model(network, device_map, main_device=FAKE[0], skip_keys=skip)


def halves(network: nn.Module, layers: str = "model.language_model.layers") -> dict[str, torch.device]:
    """Like `device_map="auto"`: from the middle of the decoder's layers on, all is on the second device.

    Except what shares a weight with what came before: that stays together.
    """
    device_map: dict[str, torch.device] = {}
    placed: dict[int, torch.device] = {}  # by id of the weight
    device = FAKE[0]

    def place(prefix: str, module: nn.Module) -> None:
        nonlocal device
        own = [(name, [tensor]) for name, tensor in named_module_tensors(module)]
        for name, tensors in [*own, *((name, child.parameters()) for name, child in module.named_children())]:
            path = prefix + name
            if f"{layers}.".startswith(f"{path}."):
                place(f"{path}.", network.get_submodule(path))
                continue
            if path == middle:
                device = FAKE[1]
            ids = [id(tensor) for tensor in tensors]
            device_map[path] = next((placed[id] for id in ids if id in placed), device)
            placed.update(dict.fromkeys(ids, device_map[path]))

    middle = f"{layers}.{len(list(network.get_submodule(layers).children())) // 2}"
    place("", network)
    return device_map


class FakeTensor(Tensor):
    """`held`, on the CPU, under the name of another device."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor, device: torch.device) -> FakeTensor:
        layout = {"strides": held.stride(), "storage_offset": held.storage_offset(), "dtype": held.dtype}
        with torch.inference_mode(False):  # a view of a weight has to be of the same kind as the weight
            tensor = Tensor._make_wrapper_subclass(cls, held.shape, **layout, device=device)  # type: ignore[attr-defined]
        tensor.held = held
        return tensor

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(cls, operation: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(operation, args, kwargs or {})

    def __repr__(self, *_: Any, **__: Any) -> str:
        return f"FakeTensor({self.held!r}, device={self.device})"

    # What follows torch does for its own class only, or in C++, for which there is no such device.

    def data_ptr(self) -> int:
        return self.held.data_ptr()  # by which accelerate knows tied weights

    def tolist(self) -> Any:
        return self.held.tolist()

    def __format__(self, spec: str) -> str:
        return format(self.held, spec)

    def __getitem__(self, index: Any) -> Tensor:
        return super().__getitem__(_lists_to_tensors(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(_lists_to_tensors(index), value)


class _Factories(TorchFunctionMode):
    """Those that make their tensor in C++; all others come to `_Operations`."""

    def __torch_function__(self, function: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function in (torch.tensor, torch.as_tensor, torch.asarray):
            if args and isinstance(args[0], (list, tuple)):  # perhaps of tensors, each a number
                args = tree_map(_bare, args)
            if _is_fake(kwargs.get("device")):
                return function(*args, **{**kwargs, "device": "cpu"}).to(kwargs["device"])
        return function(*args, **kwargs)


class _Operations(TorchDispatchMode):
    """Those that have no fake tensor among their arguments: they make one, or move one there."""

    def __torch_dispatch__(self, operation: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(operation, args, kwargs or {})


def _compute(operation: Any, args: Any, kwargs: Any) -> Any:
    leaves, structure = tree_flatten((args, kwargs))
    tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
    fakes = [tensor for tensor in tensors if isinstance(tensor, FakeTensor)]
    device = next((leaf for leaf in leaves if isinstance(leaf, torch.device)), None)  # asked for
    if not fakes and not _is_fake(device):
        return operation(*args, **kwargs)
    name = operation._schema.name.removeprefix("aten::")
    if name not in _TRANSFERS:
        _check(operation, name, args, tensors)
    device = device or (tensors if name in _TRANSFERS else fakes)[0].device
    moves = name in _TRANSFERS and device != tensors[0].device
    fake_of = {id(fake.held): fake for fake in fakes}
    args, kwargs = tree_unflatten([_bare(leaf) for leaf in leaves], structure)

    def dress(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor):
            return leaf
        if moves:
            leaf = leaf.clone()  # another device never shares its memory
        same = fake_of.get(id(leaf))
        assert same is None or same.shape == leaf.shape, f"{name} changes a shape in place: not provided for"
        return same if same is not None else FakeTensor(leaf, device) if _is_fake(device) else leaf

    return tree_map(dress, operation(*args, **kwargs))


def _check(operation: Any, name: str, args: Any, tensors: list[Tensor]) -> None:
    """Raises where a GPU would."""
    free = {id(index) for index in args[1] if index is not None} if name in _INDEXING else set()
    if name not in _STRICT:
        free |= {id(tensor) for tensor in tensors if tensor.dim() == 0}
    devices = {
        str(tensor.device) for tensor in tensors if tensor.device.type != "cpu" or id(tensor) not in free
    }
    if len(devices) > 1:
        raise RuntimeError(f"{operation} combines tensors of {' and '.join(sorted(devices))}")


def _bare(leaf: Any) -> Any:
    if isinstance(leaf, FakeTensor):
        return leaf.held
    return torch.device("cpu") if isinstance(leaf, torch.device) and _is_fake(leaf) else leaf


def _is_fake(device: Any) -> bool:
    return device is not None and not isinstance(device, int) and torch.device(device).type == FAKE[0].type


def _lists_to_tensors(index: Any) -> Any:
    if isinstance(index, tuple):
        return tuple(_lists_to_tensors(part) for part in index)
    if not isinstance(index, (list, range, np.ndarray)):
        return index
    return torch.as_tensor(index) if len(index) else torch.empty(0, dtype=torch.int64)
