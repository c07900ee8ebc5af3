"""What is said of every model family, supported or refused. Torch stays unimported: docs are made of this."""

from __future__ import annotations

from typing import NamedTuple


class Family(NamedTuple):
    title: str
    checkpoints: str  # examples, as the hub names them
    tokens: str  # image tokens of one image
    reference: str  # how the tower's attention becomes one value per image token


_PATCHES = "one value a patch"
_QUERIES = (
    "what a query's tokens of the tower receive (column sums through the last cross-attention); under "
    "`released` constant, as in the released code"
)
_MERGED = "mean over the 2 × 2 patches of a token"

SUPPORTED = {
    "llava": Family(
        "LLaVA-1.5 and its kin",
        "`llava-hf/llava-1.5-7b-hf`, `llava-hf/bakLlava-v1-hf`",
        "fixed: 576 at 336 px",
        f"{_PATCHES}; CLS dropped under strategy `default`",
    ),
    "llava_next": Family(
        "LLaVA-NeXT (1.6)",
        "`llava-hf/llava-v1.6-vicuna-7b-hf`, `llava-hf/llava-v1.6-mistral-7b-hf`",
        "576 for the whole image, then its tiles, stitched and unpadded, a newline after every row",
        f"{_PATCHES}, tile by tile, stitched and unpadded like the features; newlines are no image keys",
    ),
    "llava_onevision": Family(
        "LLaVA-OneVision",
        "`llava-hf/llava-onevision-qwen2-7b-ov-hf`",
        "729 for the whole image, then at most about nine tiles' worth, a newline after every row",
        "as LLaVA-NeXT, shrunk bilinearly where the features are; no CLS",
    ),
    "qwen2_vl": Family(
        "Qwen2-VL",
        "`Qwen/Qwen2-VL-7B-Instruct`",
        "one for 28 × 28 pixels, by the image's own size; positions of three axes (M-RoPE)",
        _MERGED,
    ),
    "qwen2_5_vl": Family(
        "Qwen2.5-VL",
        "`Qwen/Qwen2.5-VL-7B-Instruct`",
        "as Qwen2-VL",
        f"{_MERGED}; the windows' order undone; `corrected` takes the last layer that sees all windows",
    ),
    "qwen3_vl": Family(
        "Qwen3-VL",
        "`Qwen/Qwen3-VL-8B-Instruct`",
        "one for 32 × 32 pixels; features of earlier layers join the first decoder layers (DeepStack)",
        _MERGED,
    ),
    "internvl": Family(
        "InternVL in transformers' format",
        "`OpenGVLab/InternVL3-8B-hf`",
        "256 a tile of 448 px, the whole image last where there are several",
        f"{_MERGED} (pixel shuffle), tile by tile; CLS dropped",
    ),
    "gemma3": Family(
        "Gemma 3",
        "`google/gemma-3-4b-it`",
        "256; more where the checkpoint asks for pan and scan",
        "mean over the 4 × 4 patches of a token",
    ),
    "paligemma": Family(
        "PaliGemma 1 and 2",
        "`google/paligemma-3b-mix-224`, `google/paligemma2-3b-mix-224`",
        "fixed: 256 at 224 px; all prompt tokens see one another",
        _PATCHES,
    ),
    "idefics3": Family(
        "Idefics3",
        "`HuggingFaceM4/Idefics3-8B-Llama3`",
        "169 a tile of 364 px with a tag between, the whole image last",
        "mean over the patches of a token (pixel shuffle), tile by tile",
    ),
    "smolvlm": Family(
        "SmolVLM",
        "`HuggingFaceTB/SmolVLM2-2.2B-Instruct`",
        "as Idefics3: 81 a tile of 384 px",
        "as Idefics3",
    ),
    "mistral3": Family(
        "Mistral Small 3.1 (Pixtral's tower)",
        "`mistralai/Mistral-Small-3.1-24B-Instruct-2503`",
        "one for 28 × 28 pixels, by the image's own size, a break after every row",
        f"{_MERGED}; breaks have an id of their own and are no image keys",
    ),
    "pixtral": Family(
        "Pixtral 12B (`llava` with Pixtral's tower)",
        "`mistral-community/pixtral-12b`",
        "one for 16 × 16 pixels, by the image's own size, a break after every row",
        f"{_PATCHES}; breaks as in Mistral Small 3.1",
    ),
    "mllama": Family(
        "Llama 3.2 Vision",
        "`meta-llama/Llama-3.2-11B-Vision-Instruct`",
        "1600 a tile of 560 px, up to 4 tiles; none in the prompt (see below)",
        f"{_PATCHES}, from the last global layer, the tiles stitched; a tile's CLS is no image key",
    ),
    "blip-2": Family(
        "BLIP-2 with a decoder-only language model",
        "`Salesforce/blip2-opt-2.7b`",
        "fixed: 32 queries of the Q-Former, before the prompt and its BOS",
        _QUERIES,
    ),
    "instructblip": Family(
        "InstructBLIP with Vicuna",
        "`Salesforce/instructblip-vicuna-7b`",
        "as BLIP-2; the Q-Former reads the prompt, so every prompt has a vision pass of its own",
        f"{_QUERIES}; `extractVision` reads an empty prompt",
    ),
    "minigpt4": Family(
        "MiniGPT-4, converted",
        "[`aai convert minigpt4`](convert.md)",
        "fixed: 32 queries of the Q-Former, inside the prompt",
        _QUERIES,
    ),
    "shikra": Family(
        "Shikra, converted",
        "[`aai convert shikra`](convert.md)",
        "fixed: 256, between `<im_start>` and `<im_end>`",
        f"{_PATCHES}; under `released` and for PAI `<im_start>` is the first image token, with CLS's value",
    ),
}

_LINEAR = "most of its decoder layers are linear attention, in which no key has a logit to edit"
_NO_GRID = "its image tokens are queries of a resampler, and no adapter carries the reference through it yet"

REFUSED = {
    "qwen3_5": _LINEAR,
    "qwen3_5_moe": _LINEAR,
    "lfm2_vl": "most of its decoder layers are convolutions, in which no key has a logit to edit",
    "llama4": "most of its decoder layers attend in chunks, which image keys leave",
    "gemma3n": "its vision encoder is convolutional: there is no self-attention to take as the reference",
    "fuyu": "it has no vision encoder, and so no reference",
    "florence2": "it is an encoder-decoder: image and prompt share the encoder, not the decoder's keys",
    "idefics": _NO_GRID,
    "idefics2": _NO_GRID,
    "aria": _NO_GRID,
}


def explain_unknown(model_type: str) -> str:
    """Why a checkpoint of this type cannot be loaded, in one sentence or two."""
    supported = ", ".join(SUPPORTED)
    if model_type in REFUSED:
        return f'Model type "{model_type}" is not supported: {REFUSED[model_type]}. Supported: {supported}.'
    return (
        f'Model type "{model_type}" is not supported; supported: {supported}. An adapter tells how many '
        "image tokens there are and where, makes one vision pass that shows the tower's self-attention, and "
        'maps that onto the image tokens: see docs/models.md, "A family of one\'s own".'
    )
