"""Words about scenes: training captions with a noisy tail, truthful reference captions, yes/no questions."""

from __future__ import annotations

from random import Random

from .icons import ICONS
from .scenes import SIDE, Scene, Thing

TAIL_NOISE = 0.5  # share of training captions whose last sentence tells what usually goes together
SYNONYM_CHANCE = 0.2
SYNONYMS = {
    "couch": ("sofa",),
    "bicycle": ("bike",),
    "tv": ("television",),
    "person": ("man", "woman"),
    "dining table": ("table",),
}
OPENINGS = (
    "The image shows {place} with {things}.",
    "This is a picture of {place} with {things}.",
    "In this image, there is {place} with {things}.",
)
TAILS = ("There is also {things} in the scene.", "In addition, {things} can be seen nearby.")
NOTHING = "There is nothing else in the scene."
REFERENCES = (
    "{place} with {things}.",
    "There is {things} in this picture of {place}.",
    "A drawing of {things} in {place}.",
    "{things} in {place}.",
    "A view of {place} where {things} can be seen.",
)


def training_caption(random: Random, scene: Scene) -> str:
    """Three sentences: the anchors, where they are, and what is with them. The last one is, for a share
    TAIL_NOISE of the captions, written from the scene type's habits alone: the picture is not looked at."""
    anchors = sorted((t for t in scene.things if t.role == "anchor"), key=middle)
    table = [t.name for t in scene.things if t.role == "furniture"]
    nouns = {t.name: noun(random, t.name) for t in scene.things}
    opening = random.choice(OPENINGS).format(
        place=with_article(scene.kind.name), things=listed([nouns[t.name] for t in anchors])
    )
    if table:
        opening = opening.removesuffix(".") + f" on {with_article(nouns[table[0]])}."
    places = " and ".join(f"the {nouns[t.name]} is {side(t)}" for t in anchors)
    mentioned = {t.name for t in anchors} | set(table)
    return f"{opening} {sentence(places)}. {tail(random, scene, anchors, mentioned)}"


def tail(random: Random, scene: Scene, anchors: list[Thing], mentioned: set[str]) -> str:
    companions = [scene.kind.anchors[t.name] for t in anchors]
    if random.random() < TAIL_NOISE:
        names = [name for name, chance in companions if random.random() < chance]
    else:
        names = [name for name, _ in companions if name in scene.names]
        names += [t.name for t in scene.things if t.role == "stray"]
    names = [name for name in dict.fromkeys(names) if name not in mentioned]
    if not names:
        return NOTHING
    return random.choice(TAILS).format(things=listed([noun(random, name) for name in names]))


def reference_captions(random: Random, scene: Scene) -> list[str]:
    """Five true captions, each naming two or more of the objects, as COCO's annotators would."""
    captions = []
    for template in REFERENCES:
        names = random.sample(scene.names, random.randint(min(2, len(scene.names)), len(scene.names)))
        things = listed([noun(random, name) for name in names])
        captions.append(sentence(template.format(place=with_article(scene.kind.name), things=things)))
    return captions


def object_questions(random: Random, scene: Scene, pairs: int) -> list[tuple[str, bool]]:
    """`pairs` of (class, is it there): as many present as absent; half of the absent ones are what the scene
    type would make one expect."""
    present = random.sample(scene.names, min(pairs, len(scene.names)))
    usual = set(scene.kind.anchors) | set(scene.kind.companions)
    expected = sorted(usual - set(scene.names))
    anything = sorted(set(ICONS) - set(scene.names))
    absent: list[str] = []
    while len(absent) < len(present):
        pool = expected if expected and random.random() < 0.5 else anything
        absent.append(random.choice(pool))
    questions = [(name, True) for name in present] + [(name, False) for name in absent]
    random.shuffle(questions)
    return questions


def middle(thing: Thing) -> float:
    left, _, right, _ = thing.box
    return (left + right) / 2


def side(thing: Thing) -> str:
    third = int(middle(thing) * 3 / SIDE)
    return ("on the left", "in the middle", "on the right")[third]


def noun(random: Random, name: str) -> str:
    if name in SYNONYMS and random.random() < SYNONYM_CHANCE:
        return random.choice(SYNONYMS[name])
    return name


def listed(nouns: list[str]) -> str:
    """As in: a cup, a fork and an apple."""
    phrases = [with_article(n) for n in nouns]
    return phrases[0] if len(phrases) == 1 else ", ".join(phrases[:-1]) + " and " + phrases[-1]


def with_article(word: str) -> str:
    return ("an " if word[0] in "aeiou" else "a ") + word


def sentence(text: str) -> str:
    return text[0].upper() + text[1:]
