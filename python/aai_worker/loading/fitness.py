"""Whether the parts of a checkpoint fit one another: weights, configuration, tokenizer. A sentence if not."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import WorkerError

_VOCABULARY = ("embed_tokens.weight", "lm_head.weight")


def check_weights_fit(folder: Path, info: dict[str, Any]) -> None:
    """`info`: transformers' loading info; it only warns, and leaves what is missing at random values."""
    missing, unexpected = sorted(info["missing_keys"]), sorted(info["unexpected_keys"])
    mismatched = sorted(info["mismatched_keys"])
    if missing and unexpected:
        raise _fault(
            folder,
            f"has missing weights: {_shown(missing)}; and unexpected weights: {_shown(unexpected)}. Its keys "
            "are not named as transformers names this architecture's: rename them, or save the model again "
            "with transformers.",
        )
    if missing:
        raise _fault(
            folder, f"has missing weights: {_shown(missing)}. Download or copy all of its weight files again."
        )
    if unexpected:
        raise _fault(
            folder,
            f"has unexpected weights: {_shown(unexpected)}. They have no place in the architecture that "
            "config.json names: correct it, or save the model again without them.",
        )
    for name, stored, configured in mismatched:
        if str(name).endswith(_VOCABULARY) and stored[1:] == configured[1:]:
            raise _fault(
                folder,
                f"has mismatched weights: {name} holds {stored[0]} tokens, but config.json names "
                f"{configured[0]}. Set vocab_size of its text_config to {stored[0]}.",
            )
    if mismatched:
        names = [f"{name} of shape {list(stored)}, not {list(wanted)}" for name, stored, wanted in mismatched]
        raise _fault(
            folder, f"has mismatched weights: {_shown(names)}. Its config.json belongs to another model."
        )


def check_stop_tokens(folder: Path, stop_ids: frozenset[int], tokenizer: Any) -> None:
    """The hub's Vicuna v0 and Shikra call the BOS token EOS: their answers would never end."""
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
    if bos is None or eos is None or bos not in stop_ids or eos in stop_ids:
        return
    raise _fault(
        folder,
        f'lets token {bos} ("{tokenizer.bos_token}") end an answer, with which prompts begin; its tokenizer '
        f'ends them with {eos} ("{tokenizer.eos_token}"). Set bos_token_id to {bos} and eos_token_id to '
        f"{eos} in generation_config.json and config.json.",
    )


def check_vocabulary(folder: Path, network: Any, tokenizer: Any) -> None:
    """Tokens without an embedding; the image token needs none."""
    embeddings = len(network.get_input_embeddings().weight)
    largest = max(id for id in tokenizer.get_vocab().values() if id != network.config.image_token_id)
    if largest >= embeddings:
        raise _fault(
            folder,
            f"has a tokenizer with token ids up to {largest}, but embeddings for {embeddings} tokens only: "
            "the two do not belong together. Copy the tokenizer's files from the checkpoint of the weights.",
        )


def explain_tokenizer(folder: Path, error: Exception) -> WorkerError:
    """Why a tokenizer could not be loaded, and what to do."""
    needed = ("sentencepiece", "google.protobuf")
    absent = [name for name in needed if not _is_installed(name)]
    if (folder / "tokenizer.model").is_file() and not (folder / "tokenizer.json").is_file() and absent:
        packages = " and ".join(name.removeprefix("google.") for name in absent)
        return _fault(
            folder,
            f"has no usable tokenizer: its tokenizer.model can only be read with {packages}, not installed "
            "in this Python environment. `pip install sentencepiece protobuf`, or run the set-up again.",
        )
    if not any(folder.glob("tokenizer*")) and not (folder / "vocab.json").is_file():
        return _fault(
            folder,
            "has no usable tokenizer: it holds no tokenizer files. Copy the checkpoint's tokenizer.json (or "
            "tokenizer.model) and tokenizer_config.json into it.",
        )
    first = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return _fault(folder, f"has no usable tokenizer: {first}")


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # of the package around it
        return False


def _shown(names: list[str]) -> str:
    return ", ".join(map(str, names[:8])) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _fault(folder: Path, what: str) -> WorkerError:
    return WorkerError("bad-checkpoint", f'"{folder}" {what}')
