"""What the engine needs to know of a model family: the one interface that every adapter fills in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import Cache, DynamicCache, PreTrainedModel

from ..attention import AttentionStep, SharedPrefix
from ..errors import WorkerError
from ..prompts import PLACEHOLDER, TEMPLATES
from ..protocol import ModelDescription, VisionTower
from ..reference import Reference


class Look(NamedTuple):
    """One vision pass."""

    features: Tensor  # [image tokens, hidden], in the decoder's space
    references: dict[str, Reference]  # by mode


class Model(ABC):
    """A loaded checkpoint: transformers' model with its tokenizer and image processor."""

    family: ClassVar[str]

    def __init__(self, network: PreTrainedModel, tokenizer: Any, image_processor: Any, source: str) -> None:
        self.network = network
        self.tokenizer = tokenizer
        self.image_processor = image_processor
        self.source = source
        self.device = network.device
        self.dtype = network.dtype
        self.text_config = network.config.get_text_config()
        self.layers: int = self.text_config.num_hidden_layers
        self.heads: int = self.text_config.num_attention_heads
        # Beyond a sliding window keys would leave the cache, image keys first.
        window = getattr(self.text_config, "sliding_window", None) or self.text_config.max_position_embeddings
        self.context_length: int = min(window, self.text_config.max_position_embeddings)
        self.image_token_id: int = network.config.image_token_id
        self.stop_ids = _stop_ids(network, self.tokenizer)

    @abstractmethod
    def vision_tower(self) -> VisionTower: ...

    @abstractmethod
    def count_image_tokens(self) -> int:
        """Image tokens of one image in the decoder."""

    def preprocess(self, image: Image.Image) -> Tensor:
        """The tower's input, on the CPU."""
        try:
            return self.image_processor(image, return_tensors="pt")["pixel_values"]
        except ValueError as error:  # a picture one pixel wide, say
            width, height = image.size
            raise WorkerError(
                "bad-image", f"The {width} x {height} image cannot be preprocessed: {error}."
            ) from error

    def picture(self, image: Image.Image) -> np.ndarray:
        """The image as the tower sees it, resized and cropped: uint8 [height, width, 3]."""
        seen = self.image_processor(image, do_rescale=False, do_normalize=False, return_tensors="np")
        return np.ascontiguousarray(seen["pixel_values"][0].transpose(1, 2, 0)).astype(np.uint8)

    @abstractmethod
    def look(self, pixels: Tensor, modes: frozenset[str]) -> Look:
        """Features and, for each mode, the vision reference, from one pass of the vision tower."""

    def describe(self) -> ModelDescription:
        return ModelDescription(
            family=self.family,
            architecture=type(self.network).__name__,
            source=self.source,
            layers=self.layers,
            heads=self.heads,
            kv_heads=getattr(self.text_config, "num_key_value_heads", None) or self.heads,
            hidden_size=self.text_config.hidden_size,
            vocabulary_size=self.text_config.vocab_size,
            context_length=self.context_length,
            image_token_id=self.image_token_id,
            image_tokens=self.count_image_tokens(),
            vision_tower=self.vision_tower(),
            templates=[*(["chat"] if self.tokenizer.chat_template else []), *TEMPLATES, "raw"],
            parameters=self.network.num_parameters(),
        )

    def tokenise(self, text: str) -> list[int]:
        """Ids of the prompt, its placeholder expanded to one id per image token."""
        text = text.replace(PLACEHOLDER, self.tokenizer.convert_ids_to_tokens(self.image_token_id))
        # A chat template may write the BOS token itself; one is enough.
        has_bos = bool(self.tokenizer.bos_token) and text.startswith(self.tokenizer.bos_token)
        ids = self.tokenizer(text, add_special_tokens=not has_bos)["input_ids"]
        count = self.count_image_tokens()
        return [token for id in ids for token in ([id] * count if id == self.image_token_id else [id])]

    def image_keys(self, ids: list[int]) -> list[int]:
        """Where the image tokens sit in the prompt."""
        return [position for position, id in enumerate(ids) if id == self.image_token_id]

    def embed(self, ids: list[int], features: Tensor | None) -> Tensor:
        """[prompt] -> [prompt, hidden], with the image's features in place of its tokens."""
        tokens = torch.tensor(ids, device=self.device)
        embedded = self.network.get_input_embeddings()(tokens)
        if features is not None:
            embedded = embedded.clone()
            embedded[tokens == self.image_token_id] = features.to(embedded.dtype)
        return embedded

    def prefill(self, embedded: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Prompts of one length, [B, Q, hidden] -> each layer's keys and values, [B, Hkv, Q, D]."""
        cache = DynamicCache()
        positions = torch.arange(embedded.shape[1], device=self.device).expand(len(embedded), -1)
        self.network(
            inputs_embeds=embedded,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return [(layer.keys, layer.values) for layer in cache.layers]

    def forward(
        self,
        embedded: Tensor,  # [R, 1, hidden]
        positions: Tensor,  # [R, 1]
        own: Cache,  # gets each row's new key and value, gives all its own
        prefix: SharedPrefix,
        attention_step: AttentionStep | None,
    ) -> Tensor:
        """One step of the decoder; logits [R, V] float32."""
        return self._step(embedded, positions, own, prefix, attention_step).logits[:, -1].float()

    def forward_layers(
        self,
        embedded: Tensor,
        positions: Tensor,
        own: Cache,
        prefix: SharedPrefix,
        attention_step: AttentionStep | None,
        layers: Sequence[int],
    ) -> tuple[Tensor, Tensor]:
        """As `forward`, and [layer, R, V] float32: the states after so many layers through the LM head."""
        output = self._step(embedded, positions, own, prefix, attention_step, output_hidden_states=True)
        states = torch.stack([output.hidden_states[layer][:, -1] for layer in layers])  # 0 = the embedding
        return output.logits[:, -1].float(), self.network.get_output_embeddings()(states).float()

    def _step(
        self,
        embedded: Tensor,
        positions: Tensor,
        own: Cache,
        prefix: SharedPrefix,
        attention_step: AttentionStep | None,
        **options: bool,
    ) -> Any:
        return self.network(
            inputs_embeds=embedded,
            position_ids=positions,
            past_key_values=own,
            use_cache=True,
            logits_to_keep=1,
            shared_prefix=prefix,
            attention_step=attention_step,
            **options,
        )


def _stop_ids(network: PreTrainedModel, tokenizer: Any) -> frozenset[int]:
    """As transformers' `generate`: the generation config first, then the text config, then the tokenizer."""
    for holder in (network.generation_config, network.config.get_text_config(), tokenizer):
        stop = getattr(holder, "eos_token_id", None)
        if stop is not None:
            return frozenset([stop] if isinstance(stop, int) else stop)
    return frozenset()
