"""What the engine needs of a model family: the one interface that every adapter implements."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import Cache, DynamicCache, PreTrainedModel

from ..attention import AttentionStep, PromptStep, SharedPrefix
from ..errors import WorkerError
from ..protocol import ModelDescription, VisionTower
from ..text.prompts import PLACEHOLDER
from ..text.stops import Stops
from ..vision.reference import Reference
from .exits import early_exits
from .generation_config import processor_settings, unused_settings
from .opera import OperaPrompt, one_placeholder

# Where the number of image tokens depends on the image, a description has that of this size, a photo of COCO.
TYPICAL_SIZE = (640, 480)


class Pixels(NamedTuple):
    """One image as the family's image processor leaves it, on the CPU."""

    values: Tensor  # normalised, in the shape that the family's tower takes
    layout: dict[str, Tensor]  # the processor's other outputs: grids, sizes, rows and columns of tiles


class VisionFeatures(NamedTuple):
    """What one pass of the vision tower makes of an image."""

    # [image tokens, hidden] in the decoder's space, newlines included; cross layers get padding, too.
    features: Tensor
    references: dict[str, Reference]  # by mode
    extras: dict[str, Tensor]  # further tensors that the family's `embed` needs


class Embedded(NamedTuple):
    """A prompt of P tokens as the decoder takes it."""

    embedded: Tensor  # [P, hidden]
    positions: Tensor  # [P] int64; [axes, P] under M-RoPE, with a position per axis
    extras: dict[str, Tensor]  # further arguments of the family's prefill
    cross_states: Tensor | None = None  # [N, hidden], the image's states that cross layers attend to

    @property
    def cross_length(self) -> int:
        return 0 if self.cross_states is None else len(self.cross_states)

    @property
    def last_position(self) -> int:
        """The position of the last token. The answer's tokens count on from it, on all axes alike."""
        return int(self.positions[..., -1].max())


class Model(ABC):
    """A loaded checkpoint: transformers' model with its tokenizer and image processor."""

    family: ClassVar[str]
    # The attention function of the vision tower: "eager" returns its weights, "aai_vision" sums them.
    vision_attention: ClassVar[str] = "eager"
    # The attention functions of further parts of the network, by the names of their configurations.
    other_attention: ClassVar[dict[str, str]] = {}
    # Whether prompt tokens attend to later ones. Then all are prefilled, and the last one's key is dropped.
    bidirectional_prompt: ClassVar[bool] = False
    # The names in `prompts.TEMPLATES` of templates that the family's papers used before chat templates.
    written_templates: ClassVar[tuple[str, ...]] = ()
    # The decoder layers that attend to the image alone. With such layers the prompt has no image tokens.
    cross_layers: frozenset[int] = frozenset()
    # Whether the number of image tokens depends on the image.
    dynamic: ClassVar[bool] = False
    # Whether the vision pass depends on the prompt.
    instructed: ClassVar[bool] = False

    def __init__(self, network: PreTrainedModel, tokenizer: Any, image_processor: Any, source: str) -> None:
        self.network = network
        self.tokenizer = tokenizer
        self.image_processor = image_processor
        self.source = source
        # The device on which prompts are embedded and logits arrive.
        self.device = network.get_input_embeddings().weight.device
        self.dtype = network.dtype
        self.text_config = network.config.get_text_config()
        _check_decoder(self.text_config)
        self.layers: int = self.text_config.num_hidden_layers
        self.heads: int = self.text_config.num_attention_heads
        # Beyond a sliding window keys would be dropped, those of the image first, so it bounds the context.
        window = getattr(self.text_config, "sliding_window", None) or self.text_config.max_position_embeddings
        self.context_length: int = min(window, self.text_config.max_position_embeddings)
        self.image_token_id: int = network.config.image_token_id
        self.stop_ids = _stop_ids(network, self.tokenizer)
        self.stop_sequences: tuple[tuple[int, ...], ...] = ()
        self.stop_texts: tuple[str, ...] = ()

    @property
    def stops(self) -> Stops:
        return Stops(self.stop_ids, self.stop_sequences, self.stop_texts)

    def open(self, folder: Path) -> None:  # noqa: B027
        """Loads what else the family keeps in its folder. It is called before anything else."""

    # The image.

    @abstractmethod
    def vision_tower(self, pixels: Pixels) -> VisionTower:
        """The description of the vision tower, as it runs on this image."""

    @property
    def has_cls_attention(self) -> bool:
        """Whether references can say what the tower's CLS token attends to, one value per image token."""
        return False

    @abstractmethod
    def count_image_tokens(self, pixels: Pixels) -> int:
        """The number of image tokens in the prompt for this image, with newline tokens.

        Under cross layers it is the number of their keys that are patches.
        """

    @abstractmethod
    def encode_image(self, pixels: Pixels, modes: frozenset[str]) -> VisionFeatures:
        """The image's features and one vision reference per mode, from one pass of the vision tower."""

    def preprocess(self, image: Image.Image) -> Pixels:
        """The tower's input for this image. Raises WorkerError where the image processor fails."""
        try:
            return _as_pixels(self.process(image))
        except (ValueError, ZeroDivisionError) as error:  # a picture one pixel wide, say
            width, height = image.size
            raise WorkerError(
                "bad-image", f"The {width} x {height} image cannot be preprocessed: {error}."
            ) from error

    def process(self, image: Image.Image, **options: Any) -> Any:
        return self.image_processor(image, **{"return_tensors": "pt", **options})

    def instruct(self, pixels: Pixels, text: str) -> Pixels:
        """The pixels with the prompt `text`, without its placeholder, where the vision pass reads it."""
        return pixels

    def picture(self, image: Image.Image) -> np.ndarray:
        """The image as the tower sees it, uint8 [height, width, 3]; a reference's grid lies on it."""
        seen = _as_pixels(self.process(image, do_rescale=False, do_normalize=False))
        whole = self.whole_image(seen).permute(1, 2, 0)
        return np.ascontiguousarray(whole.numpy()).astype(np.uint8)

    def whole_image(self, pixels: Pixels) -> Tensor:
        """The whole image, [3, height, width], without its tiles where there are some."""
        return pixels.values[0]

    def repeat_first_frame(self, values: Tensor) -> Tensor:
        """The pixels with the first frame in place of all, where the tower takes an image as frames."""
        return values

    # The prompt.

    @property
    def marker(self) -> str:
        """The token that stands for the image in the chat template's prompt, before it is expanded."""
        return str(self.tokenizer.convert_ids_to_tokens(self.image_token_id))

    @property
    def written_image(self) -> str:
        """The text for `<image>` in a prompt: the marker with what the family puts around it."""
        return self.marker

    def expand(self, pixels: Pixels) -> str:
        """The text that replaces the marker for this image."""
        return self.marker * self.count_image_tokens(pixels)

    def tokenise(self, text: str, pixels: Pixels | None) -> list[int]:
        """The prompt's ids, with the image tokens that this image needs; `pixels` None = no image.

        Raises WorkerError unless the prompt has one marker for the image, or none without an image.
        """
        marker = self.marker
        text = text.replace(PLACEHOLDER, self.written_image)
        if text.count(marker) != int(pixels is not None):
            raise WorkerError(
                "bad-input",
                f"The prompt holds {text.count(marker)} x {marker}, which stands for an image, but "
                f"{int(pixels is not None)} is needed; take it out of the question.",
            )
        if pixels is not None:
            text = text.replace(marker, self.expand(pixels))
        return list(self.tokenizer(text, add_special_tokens=not self.has_bos(text))["input_ids"])

    def has_bos(self, text: str) -> bool:
        """Whether the text begins with the BOS token, which a chat template may write; one is enough."""
        return bool(self.tokenizer.bos_token) and text.startswith(self.tokenizer.bos_token)

    def image_positions(self, ids: list[int], pixels: Pixels | None) -> list[int]:
        """The key positions of the image's patches; a token that only ends a row of patches is none.

        They are positions in the prompt, or under cross layers positions among the keys of these layers.
        """
        return [position for position, id in enumerate(ids) if id == self.image_token_id]

    def prefilled_order(self, prompt: Embedded) -> Tensor | None:
        """[K] int64: for each key position that is kept in image layers, its column in the prefill.

        None where the two are the same.
        """
        return None

    def behind_image(self, ids: list[int], positions: list[int]) -> int:
        """The position of the first prompt token behind these key positions."""
        return positions[-1] + 1

    def edited_positions(
        self, image_positions: list[int], parameters: Any, reference: int | None
    ) -> list[int]:
        """The key positions of an edit by default. `reference`: the number of its own values, if any."""
        return image_positions

    def opera_prompt(self, ids: Sequence[int], image_positions: Sequence[int]) -> OperaPrompt:
        """The prompt as OPERA's released wrapper for the family makes it; as LLaVA's, where there is none."""
        return one_placeholder(ids, image_positions)

    def templates(self) -> list[str]:
        return [*(["chat"] if self.tokenizer.chat_template else []), *self.written_templates, "raw"]

    # The decoder.

    @property
    def devices(self) -> list[torch.device]:
        """The devices that hold its weights, in their order: several where the model is spread."""
        return sorted({weights.device for weights in self.network.parameters()}, key=str)

    @property
    def image_layers(self) -> Sequence[int]:
        """The decoder layers that attend to the image."""
        return sorted(self.cross_layers) or range(self.layers)

    def count_cross_keys(self, pixels: Pixels | None) -> int:
        """The number of the image's keys in cross layers."""
        raise NotImplementedError(f"{self.family} has no cross layers")

    def embed(self, ids: list[int], vision: VisionFeatures | None) -> Embedded:
        """The prompt, embedded, with the image's features in place of its tokens."""
        tokens = torch.tensor(ids, device=self.device)
        is_image = tokens == self.image_token_id
        embedded = self.network.get_input_embeddings()(tokens.masked_fill(is_image, 0))
        if vision is not None:
            embedded = embedded.clone()
            embedded[is_image] = vision.features.to(embedded.device, embedded.dtype)
        return Embedded(embedded, torch.arange(len(ids), device=self.device), {})

    def prefill(
        self, prompts: Sequence[Embedded], step: PromptStep | None
    ) -> list[tuple[list[Tensor], list[Tensor]]]:
        """The keys and values of each of these prompts of one length P, by layer, [Hkv, P - 1, D].

        Those of the last token are left out. In cross layers they are [Hkv, N, D] for N image tokens, patches
        first. `step` is what is done to the attention; None = nothing.
        """
        cache = DynamicCache()
        whole = self.bidirectional_prompt or (step is not None and step.whole)
        length = len(prompts[0].embedded) - (0 if whole else 1)
        self._run_prefill(
            inputs_embeds=torch.stack([prompt.embedded[:length] for prompt in prompts]),
            position_ids=torch.stack([prompt.positions[..., :length] for prompt in prompts], dim=-2),
            past_key_values=cache,
            use_cache=True,
            prompt_step=step,
            **self.prefill_arguments(prompts, length),
        )
        return [self.take(cache, row, prompt) for row, prompt in enumerate(prompts)]

    def take(self, cache: Cache, row: int, prompt: Embedded) -> tuple[list[Tensor], list[Tensor]]:
        """The keys and values by layer that are kept of the prompt in this row of a prefill."""
        last = len(prompt.embedded) - 1
        return (
            [layer.keys[row, :, :last] for layer in cache.layers],
            [layer.values[row, :, :last] for layer in cache.layers],
        )

    def prefill_arguments(self, prompts: Sequence[Embedded], length: int) -> dict[str, Any]:
        """The network's arguments beyond embedded tokens and positions, for the first `length` tokens."""
        return {}

    @property
    def decoder(self) -> Any:
        """The part with the LM head that takes embedded tokens; mostly the network itself."""
        return self.network

    def _run_prefill(self, **arguments: Any) -> None:
        self.decoder(logits_to_keep=1, **arguments)

    def forward(
        self,
        embedded: Tensor,  # [R, 1, hidden]
        positions: Tensor,  # [R, 1]
        own: Cache,  # the rows' own tokens; it takes each row's new key and value
        prefix: SharedPrefix,
        attention_step: AttentionStep | None,
    ) -> Tensor:
        """Makes one step of the decoder; returns the logits [R, V] float32."""
        output = self._step(embedded, positions, own, prefix, attention_step)
        return output.logits[:, -1].to(self.device).float()

    def forward_layers(
        self,
        embedded: Tensor,
        positions: Tensor,
        own: Cache,
        prefix: SharedPrefix,
        attention_step: AttentionStep | None,
        layers: Sequence[int],
        normed: bool,
    ) -> tuple[Tensor, Tensor]:
        """As `forward`, with the logits [layer, R, V] float32 of early exits after so many `layers`.

        `normed`: states pass the decoder's final norm, as the last state does, before the LM head.
        """
        with early_exits(self.decoder, layers, normed):
            output = self._step(embedded, positions, own, prefix, attention_step, output_hidden_states=True)
        final, *exits = output.logits.to(self.device).float().unbind(dim=1)
        return final, torch.stack(exits)

    def _step(
        self,
        embedded: Tensor,
        positions: Tensor,
        own: Cache,
        prefix: SharedPrefix,
        attention_step: AttentionStep | None,
        **options: bool,
    ) -> Any:
        return self.decoder(
            inputs_embeds=embedded,
            position_ids=positions,
            past_key_values=own,
            use_cache=True,
            logits_to_keep=1,
            shared_prefix=prefix,
            attention_step=attention_step,
            **self.step_arguments(embedded, prefix),
            **options,
        )

    def step_arguments(self, embedded: Tensor, prefix: SharedPrefix) -> dict[str, Any]:
        """The network's arguments beyond those that every decoder takes in a step."""
        return {}

    def describe(self) -> ModelDescription:
        pixels = self.preprocess(Image.new("RGB", TYPICAL_SIZE))
        stored, followed = self.network.generation_config, self.decoder.generation_config
        return ModelDescription(
            family=self.family,
            architecture=type(self.network).__name__,
            source=self.source,
            layers=self.layers,
            cross_layers=sorted(self.cross_layers),
            heads=self.heads,
            kv_heads=getattr(self.text_config, "num_key_value_heads", None) or self.heads,
            hidden_size=self.text_config.hidden_size,
            vocabulary_size=self.text_config.vocab_size,
            context_length=self.context_length,
            image_token_id=self.image_token_id,
            image_tokens=self.count_image_tokens(pixels),
            dynamic_image_tokens=self.dynamic,
            vision_tower=self.vision_tower(pixels),
            templates=self.templates(),
            parameters=self.network.num_parameters(),
            processors={name: json.dumps(value) for name, value in processor_settings(followed).items()},
            unused_settings=unused_settings(stored, followed),
        )


def _as_pixels(made: Any) -> Pixels:
    layout = {name: torch.as_tensor(value) for name, value in made.items() if name != "pixel_values"}
    return Pixels(made["pixel_values"], layout)


def _check_decoder(config: Any) -> None:
    others = sorted(set(getattr(config, "layer_types", None) or ()) - {"full_attention", "sliding_attention"})
    if others:
        raise WorkerError(
            "unknown-model",
            f'A decoder ("{config.model_type}") with layers of type {", ".join(others)} is not supported: '
            "no key has a logit there that could be edited, or not for long.",
        )


def _stop_ids(network: PreTrainedModel, tokenizer: Any) -> frozenset[int]:
    """The stop token ids of the generation config, else the text config, else the tokenizer."""
    for holder in (network.generation_config, network.config.get_text_config(), tokenizer):
        stop = getattr(holder, "eos_token_id", None)
        if stop is not None:
            return frozenset([stop] if isinstance(stop, int) else stop)
    return frozenset()
