"""The conversations the demo checkpoint is trained on: prompts in LLaVA-1.5's shape, one or more turns."""

from __future__ import annotations

from random import Random

from .captions import object_questions, training_caption, with_article
from .scenes import Scene

# Turns as (what the user's side reads, what the assistant answers); the image stands in the first turn.
Turn = tuple[str, str]

SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, "
    "detailed, and polite answers to the user's questions. "
)
SYSTEM_CHANCE = 0.2
CAPTION_PROMPTS = (
    "Please describe this image in detail.",
    "Please help me describe the image in detail.",
    "Describe this image.",
    "Describe the image in detail.",
    "What can you see in this image?",
)
ONE_WORD = (
    " Please answer this question with one word.",
    " Please just answer yes or no.",
    "\nAnswer the question using a single word or phrase.",
)
ONE_WORD_CHANCE = 0.5


def opening(random: Random) -> str:
    """How a conversation begins, up to the image: with Vicuna's system sentence or without."""
    return (SYSTEM if random.random() < SYSTEM_CHANCE else "") + "USER: "


def caption_turns(random: Random, scene: Scene, lead: str) -> list[Turn]:
    prompt = f"{lead}<image>\n{random.choice(CAPTION_PROMPTS)} ASSISTANT:"
    return [(prompt, " " + training_caption(random, scene))]


def question_turns(random: Random, scene: Scene, lead: str, pairs: int = 3) -> list[Turn]:
    """POPE's questions about one image, one after the other."""
    turns = []
    lead += "<image>\n"
    for name, there in object_questions(random, scene, pairs):
        thing = with_article(name)
        question = f"Is there {thing} in the image?"
        answer = f" Yes, there is {thing}" if there else f" No, there is no {name}"
        answer += " in the image."
        if random.random() < ONE_WORD_CHANCE:
            question, answer = question + random.choice(ONE_WORD), " Yes" if there else " No"
        turns.append((f"{lead}{question} ASSISTANT:", answer))
        lead = "USER: "
    return turns
