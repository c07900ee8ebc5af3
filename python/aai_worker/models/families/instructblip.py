"""InstructBLIP (`InstructBlipForConditionalGeneration`): BLIP-2 whose Q-Former reads the prompt, too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from torch import Tensor
from transformers import AutoTokenizer

from ...errors import WorkerError
from ..family import Pixels
from ..opera import OperaPrompt
from .blip2 import Blip2


class InstructBlip(Blip2):
    family = "instructblip"
    written_templates = ("instructblip",)
    instructed = True

    def open(self, folder: Path) -> None:
        try:
            self.instruction_tokenizer = AutoTokenizer.from_pretrained(
                folder / "qformer_tokenizer", trust_remote_code=False, local_files_only=True
            )
        except (OSError, ValueError) as error:
            raise WorkerError(
                "bad-checkpoint",
                f'"{folder}" lacks the tokenizer of the Q-Former (qformer_tokenizer); download its newest '
                "revision.",
            ) from error

    def preprocess(self, image: Image.Image) -> Pixels:
        return self.instruct(super().preprocess(image), "")

    def instruct(self, pixels: Pixels, text: str) -> Pixels:
        read = self.instruction_tokenizer(text, return_tensors="pt")
        return pixels._replace(layout={name: read[name] for name in ("input_ids", "attention_mask")})

    def opera_prompt(self, ids: Sequence[int], image_positions: Sequence[int]) -> OperaPrompt:
        """Released: keys 1 to 32, counted as if BOS came first, but the queries are the keys 0 to 31."""
        return super().opera_prompt(ids, [key + 1 for key in image_positions])

    def encode(self, pixels: Pixels) -> Tensor:
        layout = {name: value.to(self.device) for name, value in pixels.layout.items()}
        return self.network.get_image_features(
            pixels.values.to(self.device, self.dtype),
            qformer_input_ids=layout["input_ids"],
            qformer_attention_mask=layout["attention_mask"],
            return_dict=True,
        ).pooler_output[0]
