"""Writes a tiny LLaVA checkpoint with random weights, and prints what transformers itself says of it (JSON)."""
import json
import sys

import torch
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

folder = sys.argv[1]
question = "Please describe this image in detail."
words = ["<unk>", "<s>", "</s>", "<pad>", "<image>", "USER:", "ASSISTANT:", *question.split()]
vocabulary = Tokenizer(models.WordLevel({word: id for id, word in enumerate(words)}, unk_token="<unk>"))
vocabulary.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=vocabulary,
    unk_token="<unk>",
    bos_token="<s>",
    eos_token="</s>",
    pad_token="<pad>",
    extra_special_tokens={"image_token": "<image>"},
)
template = (
    "{% for message in messages %}USER: {% for part in message['content'] %}{% if part['type'] == 'image' %}<image>\n"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %} ASSISTANT:"
)
processor = LlavaProcessor(
    image_processor=CLIPImageProcessorPil(size={"shortest_edge": 8}, crop_size={"height": 8, "width": 8}),
    tokenizer=tokenizer,
    patch_size=2,
    vision_feature_select_strategy="default",
    num_additional_image_tokens=1,
    chat_template=template,
)
tokenizer.chat_template = template
processor.save_pretrained(folder)

torch.manual_seed(0)
sizes = {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 37}
config = LlavaConfig(
    text_config=LlamaConfig(
        **sizes, num_hidden_layers=2, num_key_value_heads=2, vocab_size=99, max_position_embeddings=128
    ),
    vision_config=CLIPVisionConfig(**sizes, num_hidden_layers=3, image_size=8, patch_size=2),
    image_token_index=4,
)
LlavaForConditionalGeneration(config).save_pretrained(folder)

model = AutoModelForImageTextToText.from_pretrained(folder)
processor = AutoProcessor.from_pretrained(folder)
content = [{"type": "image"}, {"type": "text", "text": question}]
prompt = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
ids = processor(images=[Image.new("RGB", (8, 8))], text=[prompt])["input_ids"][0]
positions = [position for position, id in enumerate(ids) if id == 4]
facts = {
    "prompt": prompt,
    "promptTokens": len(ids),
    "imageRuns": [[positions[0], positions[-1] + 1]],
    "parameters": sum(parameter.numel() for parameter in model.parameters()),
    "architecture": type(model).__name__,
}
print(json.dumps(facts))
