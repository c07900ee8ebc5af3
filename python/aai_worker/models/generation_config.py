"""What a checkpoint's generation_config.json asks to be done to logits, and whether that can be done here.

`generate` reads the rest of it, too: how to sample, how many beams, how long. Here a search says all of that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import GenerationConfig

from ..errors import WorkerError, first_line

# Settings that become a logits processor, each with the value at which it does nothing.
_PROCESSORS: dict[str, Any] = {
    "sequence_bias": None,
    "encoder_repetition_penalty": 1,
    "repetition_penalty": 1,
    "no_repeat_ngram_size": 0,
    "encoder_no_repeat_ngram_size": 0,
    "bad_words_ids": None,
    "min_length": 0,
    "min_new_tokens": 0,
    "forced_bos_token_id": None,
    "forced_eos_token_id": None,
    "remove_invalid_values": False,
    "exponential_decay_length_penalty": None,
    "suppress_tokens": None,
    "begin_suppress_tokens": None,
    "renormalize_logits": False,
}
_REFUSED: dict[str, tuple[Any, str]] = {
    "guidance_scale": (1, "it needs a second forward pass of a prompt of its own"),
    "watermarking_config": (None, "a watermark would be measured with the answers"),
    "stop_strings": (None, "answers end by tokens here"),
    "token_healing": (False, "prompts are taken as they are written"),
    "max_time": (None, "answers would depend on the clock"),
}
# What a search says here.
_SEARCH = (
    *("do_sample", "temperature", "top_k", "top_p", "min_p", "top_h", "typical_p", "epsilon_cutoff"),
    *("eta_cutoff", "num_beams", "length_penalty", "early_stopping", "penalty_alpha", "dola_layers"),
    *("diversity_penalty", "num_beam_groups", "force_words_ids", "constraints", "max_length"),
    "max_new_tokens",
)


def read_generation_config(folder: Path) -> GenerationConfig | None:
    """The folder's, if it has one. transformers passes over a file that it cannot read, without a word."""
    if not (folder / "generation_config.json").is_file():
        return None
    try:
        return GenerationConfig.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, TypeError) as error:
        raise WorkerError(
            "bad-checkpoint", f'"{folder}": generation_config.json cannot be read: {first_line(error)}'
        ) from error


def processor_settings(config: GenerationConfig) -> dict[str, Any]:
    """Those of `config` that do something to logits, by name."""
    settings = {name: getattr(config, name, None) for name in _PROCESSORS}
    return {
        name: value
        for name, value in settings.items()
        if value is not None and value != _PROCESSORS[name] and value != []
    }


def unused_settings(stored: GenerationConfig, followed: GenerationConfig) -> list[str]:
    """Names that `stored`, the checkpoint's file, sets without effect; `followed`: what `generate` goes by.

    The two differ in models that give embeddings to a language model inside: its own is followed then.
    """
    search = [name for name in _SEARCH if getattr(stored, name, None) is not None]
    return search + sorted(processor_settings(stored).keys() - processor_settings(followed).keys())


def check_generation_config(folder: Path, config: GenerationConfig) -> None:
    """Refuses a checkpoint whose answers would not be those that `generate` gives with its settings."""
    for name, (neutral, reason) in _REFUSED.items():
        value = getattr(config, name, None)
        if value is not None and value != neutral:
            raise WorkerError(
                "bad-checkpoint",
                f'"{folder}": generation_config.json sets {name} to {value}, which is not applied here: '
                f"{reason}. Take it out of the file.",
            )
