"""A tiny LLaVA checkpoint, made on the fly (random weights, every real part), and short ways to use it.

Three vision layers, so that feature layer -2 is not the last; 4 heads on 2 key-value heads; 16 image tokens.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.llava.processing_llava import LlavaProcessor

from aai_worker.engine import Engine
from aai_worker.events import Attention
from aai_worker.plugins import add_plugin, find_plugin, load_plugin
from aai_worker.plugins.load import PluginFile
from aai_worker.protocol import (
    AaiParameters,
    AttentionEdit,
    AttestedEvent,
    CapturePolicy,
    GenerateCommand,
    GenerateSummary,
    GreedyParameters,
    HgaiParameters,
    LoadCommand,
    PaintParameters,
    PaiParameters,
    PluginContrastParameters,
    PluginEditParameters,
    PrefilledEvent,
    Prompt,
    Row,
    RowEvent,
    Sample,
    Token,
    TokensEvent,
    VafParameters,
)

LAYERS = 4
IMAGE_TOKENS = 16
CONTEXT = 320

CHAT_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] | upper }}: {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>\n{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)


def save_checkpoint(
    folder: Path,
    change: Callable[[LlavaForConditionalGeneration], None] = lambda _: None,
    tower: type[PreTrainedConfig] = CLIPVisionConfig,
    decoder: type[PreTrainedConfig] = LlamaConfig,
    feature_layer: int | list[int] = -2,
    strategy: str = "default",
) -> Path:
    """`change` may alter the weights before they are written."""
    tokenizer = create_tokenizer()
    torch.manual_seed(0)
    model = LlavaForConditionalGeneration(_create_config(tokenizer, tower, decoder, feature_layer, strategy))
    with torch.no_grad():
        for name, weights in model.named_parameters():
            # At the initial 0.02 all attention is uniform and every answer one token for ever.
            if weights.dim() > 1:
                weights.mul_(12.0 if "q_proj" in name or "k_proj" in name else 6.0)
        change(model)
    model.save_pretrained(folder)
    has_cls = tower is CLIPVisionConfig
    LlavaProcessor(
        CLIPImageProcessorPil(size={"shortest_edge": 8}, crop_size={"height": 8, "width": 8}),
        tokenizer,
        patch_size=2,
        vision_feature_select_strategy=strategy,
        num_additional_image_tokens=int(has_cls),
        chat_template=CHAT_TEMPLATE,
    ).save_pretrained(folder)
    return folder


def load(source: Path | str, dtype: str = "auto", device: str = "cpu") -> Engine:
    """An engine that holds the checkpoint as "m1"."""
    engine = Engine(device=device)
    command = LoadCommand(source=str(source), revision=None, dtype=dtype, device_map=None, offline=True)  # type: ignore[arg-type]
    engine.load(command)
    return engine


def _create_config(
    tokenizer: PreTrainedTokenizerFast,
    tower: type[PreTrainedConfig],
    decoder: type[PreTrainedConfig],
    feature_layer: int | list[int],
    strategy: str,
) -> LlavaConfig:
    vision = tower(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        image_size=8,
        patch_size=2,
    )
    text = decoder(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=feature_layer,
        vision_feature_select_strategy=strategy,
        image_seq_length=IMAGE_TOKENS,
    )


def create_tokenizer(special_tokens: dict[str, str] | None = None) -> PreTrainedTokenizerFast:
    """One token per byte: every text can be written, and characters are split over tokens.

    `special_tokens`: further ones, by attribute; the image token among them where it is not `<image>`.
    """
    extra = special_tokens or {"image_token": "<image>"}
    special = ["<unk>", "<s>", "</s>", "<pad>", *extra.values()]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*special, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        extra_special_tokens=extra,
        padding_side="left",
    )


def picture(seed: int, width: int = 12, height: int = 10) -> Image.Image:
    """Noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def encode(image: Image.Image, format: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, format=format)
    return file.getvalue()


def frame(data: bytes) -> np.ndarray:
    """As it comes over the wire."""
    return np.frombuffer(data, dtype=np.uint8)


def pictures(count: int) -> list[np.ndarray]:
    return [frame(encode(picture(seed))) for seed in range(count)]


def aai(
    alpha: float = 0.5,
    beta: float = 1.0,
    layers: tuple[int, int] = (1, LAYERS),
    warmup: int = 2,
    mode: str = "released",
    normalisation: str = "mean",
    image_keys: tuple[int, int] | None = None,
    reference: int | None = None,
) -> AttentionEdit:
    parameters = AaiParameters(
        alpha=alpha,
        beta=beta,
        layers=layers,
        warmup=warmup,
        mode=mode,  # type: ignore[arg-type]
        normalisation=normalisation,  # type: ignore[arg-type]
        image_keys=image_keys,
    )
    return AttentionEdit(parameters=parameters, reference=reference)


def pai(alpha: float = 0.5, layers: tuple[int, int] = (1, LAYERS), warmup: int = -1) -> AttentionEdit:
    parameters = PaiParameters(alpha=alpha, layers=layers, warmup=warmup, image_keys=None)
    return AttentionEdit(parameters=parameters, reference=None)


def hgai(alpha: float = 0.5, layers: tuple[int, int] = (1, LAYERS)) -> AttentionEdit:
    parameters = HgaiParameters(alpha=alpha, layers=layers, image_keys=None)
    return AttentionEdit(parameters=parameters, reference=None)


def vaf(
    enhance: float = 1.15,
    suppress: float = 0.95,
    layers: tuple[int, int] = (1, LAYERS),
    queries: str = "behindImage",
) -> AttentionEdit:
    parameters = VafParameters(
        enhance=enhance,
        suppress=suppress,
        layers=layers,
        queries=queries,  # type: ignore[arg-type]
        image_keys=None,
    )
    return AttentionEdit(parameters=parameters, reference=None)


def paint(alpha: float = 0.7, beta: float = 0.3, layers: tuple[int, int] = (1, LAYERS)) -> AttentionEdit:
    parameters = PaintParameters(alpha=alpha, beta=beta, layers=layers, image_keys=None)
    return AttentionEdit(parameters=parameters, reference=None)


def own_methods() -> PluginFile:
    path = Path(__file__).parent / "own_methods.py"
    file = load_plugin(str(path), path.read_bytes())
    add_plugin(file, built_in=[])
    return file


def own_edit(
    name: str,
    layers: tuple[int, int] = (1, LAYERS),
    warmup: int = -1,
    sha256: str | None = None,
    reference: int | None = None,
    **values: Any,
) -> AttentionEdit:
    """Of `own_methods.py`, or of the file with this hash."""
    parameters = PluginEditParameters(
        name=name,
        sha256=sha256 or own_methods().sha256,
        values=values,
        layers=layers,
        warmup=warmup,
        mode="released",
        normalisation="mean",
        image_keys=None,
    )
    return AttentionEdit(parameters=parameters, reference=reference)


def seen_by_watch(edit: AttentionEdit) -> list[tuple[int, int]]:
    """(layer, generated) of every call of `watch` from now on."""
    parameters: Any = edit.parameters
    plugin = find_plugin("attention", "watch", parameters.sha256, parameters.values)
    seen: list[tuple[int, int]] = plugin.declaration.function.__globals__["seen"]
    seen.clear()
    return seen


def own_contrast(
    name: str, noise_step: int = 500, noise_seed: int = 3, sha256: str | None = None, **values: Any
) -> PluginContrastParameters:
    return PluginContrastParameters(
        name=name,
        sha256=sha256 or own_methods().sha256,
        values=values,
        noise_step=noise_step,
        noise_seed=noise_seed,
    )


def sample(text: str = "<image>\nWhat is it?", image: int | None = 0, template: str = "raw") -> Sample:
    return Sample(image=image, prompt=Prompt(text=text, template=template))


def row(*edits: AttentionEdit, sample: int = 0, search: Any = None, contrast: Any = None) -> Row:
    """Greedy, by default."""
    search = search or GreedyParameters(max_new_tokens=12)
    return Row(sample=sample, attention=list(edits), search=search, contrast=contrast)


def hooked_row(sample: int = 0) -> Row:
    """Edited by the hooks that are installed on the model."""
    return msgspec.structs.replace(row(sample=sample), attention=None)


def capture(
    layers: list[int] | None = None,
    heads: str = "all",
    keys: str = "all",
    words: list[str] | None = None,
    dtype: str = "float32",
    chosen: tuple[int, ...] = (),
) -> CapturePolicy:
    return CapturePolicy(
        layers=layers,
        heads=heads,  # type: ignore[arg-type]
        chosen_heads=list(chosen),
        keys=keys,  # type: ignore[arg-type]
        words=words,
        dtype=dtype,  # type: ignore[arg-type]
    )


@dataclass
class Run:
    """The events of one generation, sorted."""

    summary: GenerateSummary | None = None
    prefilled: list[PrefilledEvent] = field(default_factory=list)
    attested: dict[int, AttestedEvent] = field(default_factory=dict)
    rows: dict[int, RowEvent] = field(default_factory=dict)
    tokens: dict[int, list[Token]] = field(default_factory=lambda: defaultdict(list))
    attention: dict[int, list[Attention]] = field(default_factory=lambda: defaultdict(list))

    def ids(self, row: int = 0) -> list[int]:
        return self.rows[row].token_ids


def run(
    engine: Engine,
    samples: list[Sample],
    rows: list[Row],
    arrays: list[np.ndarray],
    tokens: int = 12,
    capture: CapturePolicy | None = None,
    search: Any = None,
    contrast: Any = None,
    batch_size: int | None = None,
    stream: bool = True,
    **callbacks: Any,
) -> Run:
    """All rows by one search and contrast (parameters; None = greedy, none), unless each has its own."""
    if search is not None or contrast is not None or tokens != 12:
        search = search or GreedyParameters(max_new_tokens=tokens)
        rows = [msgspec.structs.replace(row, search=search, contrast=contrast) for row in rows]
    command = GenerateCommand(
        model=engine.models[0],
        samples=samples,
        rows=rows,
        batch_size=batch_size,
        capture=capture,
        stream=stream,
        probes=[],
        window=1,
    )
    result = Run()
    for event in engine.generate(command, arrays, **callbacks):
        assert result.summary is None, "nothing comes after the summary"
        match event:
            case PrefilledEvent():
                result.prefilled.append(event)
            case TokensEvent():
                for token in event.tokens:
                    result.tokens[token.row].append(token)
            case Attention():
                result.attention[event.body.row].append(event)
            case AttestedEvent():
                assert event.row not in result.rows, "it comes before the row"
                result.attested[event.row] = event
            case RowEvent():
                result.rows[event.row] = event
            case GenerateSummary():
                result.summary = event
    return result
