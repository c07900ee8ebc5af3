"""The fake devices: as strict as GPUs, as exact as the CPU; and what a split model does with its tensors."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tiny
import torch
from accelerate.utils import send_to_device
from devices import FAKE, fake_devices, halves, split
from torch import Tensor
from torch.nn import functional as F
from transformers import DynamicCache, LlavaForConditionalGeneration
from transformers.models.llava.processing_llava import LlavaProcessor

pytestmark = pytest.mark.slow

FIRST, SECOND = FAKE


@pytest.fixture(autouse=True)
def devices() -> Iterator[None]:
    with fake_devices(), torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def whole(checkpoint: Path) -> Any:
    return copy.deepcopy(LlavaForConditionalGeneration.from_pretrained(checkpoint).eval())


@pytest.fixture
def parted(whole: Any) -> Any:
    with torch.inference_mode(False):
        return split(copy.deepcopy(whole), halves(whole))


@pytest.fixture(scope="module")
def inputs(checkpoint: Path) -> dict[str, Tensor]:
    processor = LlavaProcessor.from_pretrained(checkpoint)
    return dict(processor(images=tiny.picture(0), text="<image>\nWhat is it?", return_tensors="pt"))


def numbers(*shape: int, device: Any = "cpu") -> Tensor:
    return torch.linspace(-2, 3, torch.Size(shape).numel()).reshape(shape).to(device)


MIXED: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "add": lambda a, b: a + b,
    "add in place": lambda a, b: a.add_(b),
    "matmul": lambda a, b: a @ b.T,
    "linear": F.linear,
    "cat": lambda a, b: torch.cat([a, b]),
    "stack of numbers": lambda a, b: torch.stack([a[0, 0], b[0, 0]]),
    "where": lambda a, b: torch.where(a > 0, a, b),
    "mask": lambda a, b: a.masked_fill_(b > 0, 0.0),
    "attention": lambda a, b: F.scaled_dot_product_attention(a[None], b[None], b[None]),
    "values by index": lambda a, b: a.__setitem__(([0, 1],), b[:2]),
    "index_select": lambda a, b: a.index_select(0, torch.arange(2, device=b.device)),
    "gather": lambda a, b: a.gather(1, torch.zeros(3, 1, dtype=torch.int64, device=b.device)),
}


@pytest.mark.parametrize("operation", MIXED.values(), ids=MIXED)
@pytest.mark.parametrize("other", [SECOND, "cpu"], ids=["fake", "cpu"])
@pytest.mark.parametrize("swapped", [False, True])
def test_mixed_devices_raise(operation: Callable[[Tensor, Tensor], Any], other: Any, swapped: bool) -> None:
    pair = [numbers(3, 4, device=FIRST), numbers(3, 4, device=other)]
    with pytest.raises(RuntimeError, match=r"combines tensors of (cpu|lazy:0) and lazy:[01]"):
        operation(*(reversed(pair) if swapped else pair))


def test_only_a_single_number_of_the_cpu_is_let_through() -> None:
    there = numbers(3, device=FIRST)
    assert (there * torch.tensor(2.0)).tolist() == (numbers(3) * 2).tolist()
    for number in (torch.tensor(2.0, device=SECOND), torch.tensor([2.0])):
        with pytest.raises(RuntimeError, match="combines"):
            there * number
    with pytest.raises(RuntimeError, match="combines"):
        numbers(3) * torch.tensor(2.0, device=FIRST)


def test_indices_may_lie_on_the_cpu_but_not_on_another_device() -> None:
    there, rows = numbers(3, 4, device=FIRST), torch.tensor([2, 0])
    assert there[rows].tolist() == there[[2, 0]].tolist() == numbers(3, 4)[rows].tolist()
    assert there[numbers(3, 4) > 0].device == FIRST
    with pytest.raises(RuntimeError, match="combines"):
        there[rows.to(SECOND)]
    with pytest.raises(RuntimeError, match="combines"):
        numbers(3, 4)[rows.to(FIRST)]


def test_transfers_copy() -> None:
    here = numbers(3)
    first = here.to(FIRST)
    second, back = first.to(SECOND), first.cpu()
    first += 1
    assert here.tolist() == second.tolist() == back.tolist() == numbers(3).tolist()
    assert first.to(FIRST) is first
    assert (first.device, second.device, back.device) == (FIRST, SECOND, here.device)
    second.copy_(first)
    here.copy_(first)
    assert second.device == SECOND and second.tolist() == here.tolist() == first.tolist()
    with pytest.raises((TypeError, RuntimeError)):
        first.numpy()


FACTORIES: dict[str, Callable[[Any], Tensor]] = {
    "tensor": lambda device: torch.tensor([[1, 2]], device=device),
    "tensor of numbers": lambda device: torch.tensor(list(numbers(2, device=device)), device=device),
    "as_tensor": lambda device: torch.as_tensor([1.5], device=device),
    "arange": lambda device: torch.arange(5, device=device),
    "zeros": lambda device: torch.zeros(2, 3, device=device),
    "full": lambda device: torch.full((2,), 7.0, device=str(device)),
    "new_zeros": lambda device: numbers(2, device=device).new_zeros(3, 1),
    "new_ones": lambda device: numbers(2).new_ones(3, device=device),
    "zeros_like": lambda device: torch.zeros_like(numbers(2, device=device), dtype=torch.bool),
    "multinomial": lambda device: torch.multinomial(
        numbers(9, device=device).softmax(0), 3, generator=torch.Generator(device).manual_seed(5)
    ),
}


@pytest.mark.parametrize("create", FACTORIES.values(), ids=FACTORIES)
def test_tensors_are_made_there(create: Callable[[Any], Tensor]) -> None:
    there, here = create(SECOND), create("cpu")
    assert there.device == SECOND
    assert torch.equal(there.cpu(), here) and there.dtype == here.dtype


def arithmetic(device: Any) -> Iterator[Tensor]:
    a, b = numbers(3, 4, device=device), numbers(4, 4, device=device)
    yield F.linear(a, b) + 1
    yield (a @ b).softmax(dim=-1, dtype=torch.float64).to(torch.float16)
    yield from a.topk(2).indices.unbind(1)
    yield F.scaled_dot_product_attention(a[None, None], b[None, None], b[None, None], attn_mask=a > 0)
    a[[0, 2], :, None][0] += 1
    a[[0, 2], [1, 3]] = b[0, :2]
    a[torch.tensor([1], device=device), 1:3] = 0.25
    a[:, 0] = numbers(3)
    a[1, 2] = 9.0
    a[a > 2] = -a[a > 2]
    yield a.masked_fill_(a == 0.25, float("-inf")).clone()
    a[1:].unsqueeze(0).mul_(2)
    yield a
    assert a[0, 0].item() == int(a[0, 0]) == -2 and bool(a[0, 0] < 0) and f"{a[0, 0]:.1f}" == "-2.0"
    yield torch.tensor([len(a), a.argmax().item(), *a.view(-1)[:2].tolist()])


def test_arithmetic_is_the_cpus() -> None:
    for there, here in zip(arithmetic(FIRST), arithmetic("cpu"), strict=True):
        assert torch.equal(there.cpu(), here)


def test_the_model_is_really_split(parted: Any) -> None:
    layers = parted.model.language_model.layers
    assert [layer.self_attn.q_proj.weight.device for layer in layers] == [FIRST, FIRST, SECOND, SECOND]
    assert {weights.device for weights in parted.model.vision_tower.parameters()} == {FIRST}
    assert parted.lm_head.weight.device == SECOND
    parted.lm_head._hf_hook.execution_device = FIRST  # a hook that errs
    with pytest.raises(RuntimeError, match=r"linear.* combines tensors of lazy:0 and lazy:1"):
        parted(torch.tensor([[7]], device=FIRST))


@pytest.mark.parametrize("device", [*FAKE, "cpu"], ids=str)
def test_a_split_model_computes_what_the_whole_does(
    whole: Any, parted: Any, inputs: dict[str, Tensor], device: Any
) -> None:
    runs = []
    for network, place in ((whole, "cpu"), (parted, device)):
        moved = {name: tensor.to(place) for name, tensor in inputs.items()}
        run = network.generate(
            **moved, max_new_tokens=8, do_sample=False, output_logits=True, return_dict_in_generate=True
        )
        runs.append((run.sequences.tolist(), torch.stack(run.logits).cpu()))
    (tokens, logits), (parted_tokens, parted_logits) = runs
    assert tokens == parted_tokens
    assert torch.equal(logits, parted_logits)


def test_transformers_splits_alike_when_it_loads(
    checkpoint: Path, parted: Any, inputs: dict[str, Tensor]
) -> None:
    with torch.inference_mode(False):
        device_map = parted.hf_device_map
        loaded = LlavaForConditionalGeneration.from_pretrained(checkpoint, device_map=device_map).eval()
    inputs = {name: tensor.to(FIRST) for name, tensor in inputs.items()}
    assert torch.equal(parted(**inputs).logits.cpu(), loaded(**inputs).logits.cpu())
    devices = [{name: at.device for name, at in network.state_dict().items()} for network in (parted, loaded)]
    assert devices[0] == devices[1]


def test_where_the_parts_of_an_output_are(parted: Any, inputs: dict[str, Tensor]) -> None:
    """The whole model brings its own home, all but the cache; a model inside it leaves them."""
    inputs = {name: tensor.to(FIRST) for name, tensor in inputs.items()}
    cache = DynamicCache()
    output = parted(**inputs, past_key_values=cache, output_hidden_states=True)
    assert output.past_key_values is cache
    assert [layer.keys.device for layer in cache.layers] == [FIRST, FIRST, SECOND, SECOND]
    assert {state.device for state in output.hidden_states} == {FIRST} == {output.logits.device}
    inner = parted.model(**inputs, output_hidden_states=True)
    assert inner.last_hidden_state.device == SECOND
    # Before the first layer, after each of the first three, at the end.
    assert [state.device for state in inner.hidden_states] == [FIRST, FIRST, FIRST, SECOND, SECOND]


class Pair(NamedTuple):
    a: Tensor
    b: list[Tensor]


@dataclass
class Plain:
    a: Tensor


@dataclass
class Movable:
    a: Tensor

    def to(self, device: torch.device) -> Movable:
        return Movable(self.a.to(device))


def test_what_the_hooks_move() -> None:
    """Tuples, named ones, too, lists, dicts and what has `to`; no other object, and no skipped keyword."""
    tensor = numbers(3, device=FIRST)
    cache = DynamicCache()
    cache.update(tensor[None, None, None], tensor[None, None, None], 0)
    plain = Plain(tensor)
    arguments = {
        "pair": Pair(tensor, [tensor]),
        "plain": plain,
        "movable": Movable(tensor),
        "skipped": tensor,
    }
    moved: Any = send_to_device({**arguments, "cache": cache}, SECOND, skip_keys=["skipped"])
    assert isinstance(moved["pair"], Pair) and isinstance(moved["movable"], Movable)
    assert {moved["pair"].a.device, moved["pair"].b[0].device, moved["movable"].a.device} == {SECOND}
    assert moved["plain"] is plain and plain.a.device == FIRST
    assert moved["cache"] is cache and cache.layers[0].keys.device == FIRST
    assert moved["skipped"] is tensor
