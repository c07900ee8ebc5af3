"""LLaMA decoders as published in Hugging Face format: their tensors, their settings, their tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, normalizers
from tokenizers.models import BPE
from transformers import GenerationConfig, LlamaConfig, PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import SentencePieceExtractor

from ..errors import WorkerError
from .files import Weights, bad_file, read_json
from .parts import Rule

# Computed from the configuration today, and once saved along.
LLAMA_DROPS = [r"model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq"]

# Vicuna v0's and Shikra's published settings say 0, 1 and -1; LLaMA's tokenizer, which all share, says these.
_BOS, _EOS, _PAD = 1, 2, 0

_TENSORS = (
    r"embed_tokens\.weight|norm\.weight|layers\.\d+\.(?:self_attn\.[qkvo]_proj|mlp\.(?:gate|up|down)_proj|"
    r"input_layernorm|post_attention_layernorm)\.weight"
)


def llama_rules(decoder: str, head: str) -> list[Rule]:
    """`decoder`, `head`: native names of the decoder and of the module with the LM head, with a final dot."""
    return [(rf"model\.({_TENSORS})", rf"{decoder}\1"), (r"lm_head\.weight", f"{head}lm_head.weight")]


def llama_config(folder: Path, weights: Weights, vocabulary: int) -> LlamaConfig:
    """From the published config.json, but for what is known to be wrong there."""
    published = read_json(folder / "config.json")
    if published.get("rope_scaling"):
        raise bad_file(folder / "config.json", "its rope_scaling is not known to the original code")
    try:
        heads = published["num_attention_heads"]
        sizes = {
            name: published[name]
            for name in ("hidden_size", "intermediate_size", "num_hidden_layers", "rms_norm_eps")
        }
        context = published.get("max_position_embeddings") or published["max_sequence_length"]
    except KeyError as error:
        raise bad_file(folder / "config.json", f"it is no LLaMA configuration: it lacks {error}") from error
    return LlamaConfig(
        **sizes,
        num_attention_heads=heads,
        num_key_value_heads=published.get("num_key_value_heads") or heads,
        max_position_embeddings=context,
        rope_parameters={"rope_type": "default", "rope_theta": published.get("rope_theta") or 10000.0},
        vocab_size=vocabulary,
        bos_token_id=_BOS,
        eos_token_id=_EOS,
        pad_token_id=_PAD,
        tie_word_embeddings=False,
        dtype=weights.entries["model.embed_tokens.weight"].dtype,
    )


def generation_config() -> GenerationConfig:
    return GenerationConfig(bos_token_id=_BOS, eos_token_id=_EOS, pad_token_id=_PAD)


def llama_tokenizer(
    folder: Path, image_token: str, others: list[str], chat_template: str
) -> PreTrainedTokenizerFast:
    """Of a published `tokenizer.model`, tokenising what stands between special tokens as chunks of their own.

    That is what the original code does around an image, and the slow tokenizer of its days around every
    special token: each chunk gets SentencePiece's leading blank (id 29871 before a newline), even one that
    begins with a blank itself. Today's LlamaTokenizer gives it to the first chunk only. `image_token` and the
    `others` get the ids after the pieces of the model.
    """
    file = folder / "tokenizer.model"
    if not file.is_file():
        raise WorkerError(
            "bad-checkpoint", f'"{folder}" lacks "tokenizer.model", one of the published files.'
        )
    try:
        pieces: dict[str, Any] = SentencePieceExtractor(str(file)).extract(BPE)
    except ImportError as error:
        raise WorkerError(
            "bad-checkpoint", "A tokenizer.model needs the packages sentencepiece and protobuf; install both."
        ) from error
    except Exception as error:  # protobuf has errors of its own
        raise bad_file(file, "it is no SentencePiece model; download it again") from error
    model = BPE(
        vocab=pieces["vocab"], merges=pieces["merges"], unk_token="<unk>", fuse_unk=True, byte_fallback=True
    )
    backend = Tokenizer(model)
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(content=" ", left=1),
        ]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<unk>",
        add_bos_token=True,
        clean_up_tokenization_spaces=False,
        padding_side="left",
        chat_template=chat_template,
        extra_special_tokens={"image_token": image_token},
    )
    tokenizer.add_tokens(others, special_tokens=True)
    return tokenizer
