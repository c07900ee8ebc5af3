"""Scenes: which objects stand together, where, how large, and how clearly they can be seen.

A scene has two or three anchors, large and plain. Most anchors have a companion that nearly always comes
with them (a knife lies beside 85 % of the forks) but is drawn small and often faint: what a language model
learns to expect and an eye easily misses, the ground on which object hallucination grows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from random import Random

from PIL import Image, ImageDraw

from .icons import ICONS, sprite

SIDE = 96  # pixels
GRID = 6  # pixels: corners lie on it and sizes are few, which a tower of 128 features learns in minutes
ANCHOR_SIZES = (28, 34)  # pixels, the longer side
COMPANION_SIZES = (12, 16)
STRAY_CHANCE = 0.15  # an object of the scene's kind, small, without its anchor
FAINT_CHANCE = 0.5  # of a companion being half transparent
FAINT_OPACITY = (40, 70)  # percent


@dataclass(frozen=True, eq=False)
class SceneType:
    """`anchors` maps an anchor to (companion, chance of it)."""

    name: str
    bands: tuple[tuple[int, int, int], tuple[int, int, int]]  # colour behind the upper and the lower part
    horizon: int  # row where the lower part begins
    anchors: dict[str, tuple[str, float]]
    furniture: tuple[str, float] | None = None  # one large object under the others, and its chance

    @property
    def companions(self) -> dict[str, float]:
        return dict(self.anchors.values())


@dataclass(frozen=True)
class Thing:
    """One object as drawn: its sprite's settings and the top left corner."""

    name: str
    role: str  # anchor, companion, stray, furniture
    variant: int
    size: int
    flipped: bool
    opacity: int
    left: int
    top: int

    @property
    def picture(self) -> Image.Image:
        return sprite(self.name, self.variant, self.size, self.flipped, self.opacity)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """left, top, right, bottom (exclusive)."""
        width, height = self.picture.size
        return self.left, self.top, self.left + width, self.top + height


@dataclass(frozen=True)
class Scene:
    kind: SceneType
    tint: int
    things: tuple[Thing, ...]

    @property
    def names(self) -> list[str]:
        """The classes in the scene, each once, in order of drawing."""
        return list(dict.fromkeys(thing.name for thing in self.things))


SCENE_TYPES = (
    SceneType(
        "kitchen",
        ((232, 224, 206), (196, 188, 176)),
        52,
        {
            "fork": ("knife", 0.85),
            "wine glass": ("bottle", 0.8),
            "banana": ("apple", 0.8),
            "pizza": ("cup", 0.7),
        },
        furniture=("dining table", 0.85),
    ),
    SceneType(
        "street",
        ((178, 196, 212), (134, 136, 140)),
        46,
        {
            "car": ("traffic light", 0.85),
            "bus": ("person", 0.8),
            "bicycle": ("dog", 0.7),
            "potted plant": ("cat", 0.65),
        },
    ),
    SceneType(
        "park",
        ((176, 214, 238), (142, 190, 110)),
        42,
        {
            "bench": ("bird", 0.8),
            "person": ("dog", 0.85),
            "kite": ("person", 0.8),
            "umbrella": ("bicycle", 0.7),
        },
    ),
    SceneType(
        "office",
        ((216, 222, 226), (176, 150, 122)),
        50,
        {
            "laptop": ("mouse", 0.85),
            "keyboard": ("cup", 0.8),
            "book": ("clock", 0.75),
            "chair": ("potted plant", 0.65),
        },
    ),
    SceneType(
        "living room",
        ((240, 214, 190), (168, 120, 92)),
        54,
        {
            "couch": ("cat", 0.85),
            "tv": ("clock", 0.8),
            "potted plant": ("book", 0.7),
            "chair": ("cup", 0.65),
        },
    ),
    SceneType(
        "beach",
        ((158, 214, 240), (238, 220, 170)),
        44,
        {
            "surfboard": ("person", 0.85),
            "umbrella": ("chair", 0.8),
            "dog": ("bird", 0.75),
            "kite": ("bird", 0.7),
        },
    ),
)


def make_scene(random: Random) -> Scene:
    """Draws a scene from the world's distribution."""
    kind = random.choice(SCENE_TYPES)
    things: list[Thing] = []
    if kind.furniture and random.random() < kind.furniture[1]:
        things.append(furniture(random, kind.furniture[0]))
    anchors = random.sample(list(kind.anchors), random.choice((2, 2, 3)))
    companions: list[tuple[str, str]] = []
    for name in anchors:
        companion, chance = kind.anchors[name]
        if random.random() < chance:
            companions.append((companion, "companion"))
    if random.random() < STRAY_CHANCE:
        companions.append((random.choice(list(kind.companions)), "stray"))

    for name, role in [(name, "anchor") for name in anchors] + companions:
        if any(thing.name == name for thing in things):
            continue
        thing = place(random, name, role, things)
        if thing:
            things.append(thing)
    return Scene(kind, random.randrange(-10, 11), tuple(things))


def furniture(random: Random, name: str) -> Thing:
    size = random.choice((82, 88))
    return Thing(name, "furniture", random.randrange(2), size, False, 100, random.choice((0, GRID)), 8 * GRID)


def place(random: Random, name: str, role: str, others: list[Thing], tries: int = 60) -> Thing | None:
    """A free spot for the object, or None where the scene is full."""
    small = role != "anchor"
    size = random.choice(COMPANION_SIZES if small else ANCHOR_SIZES)
    faint = small and random.random() < FAINT_CHANCE
    opacity = random.randrange(FAINT_OPACITY[0], FAINT_OPACITY[1] + 1, 5) if faint else 100
    variant, flipped = random.randrange(len(ICONS[name][1])), random.random() < 0.5
    width, height = sprite(name, variant, size, flipped, opacity).size
    for _ in range(tries):
        left, top = random.randrange(0, SIDE - width, GRID), random.randrange(0, SIDE - height, GRID)
        thing = Thing(name, role, variant, size, flipped, opacity, left, top)
        if not any(overlap(thing, other) for other in others if other.role != "furniture"):
            return thing
    return None


def overlap(a: Thing, b: Thing) -> bool:
    left, top, right, bottom = a.box
    other_left, other_top, other_right, other_bottom = b.box
    return left < other_right and other_left < right and top < other_bottom and other_top < bottom


def draw_scene(scene: Scene) -> Image.Image:
    """The RGB picture, SIDE x SIDE."""
    picture = backdrop(scene.kind, scene.tint).copy()
    for thing in scene.things:
        picture.paste(thing.picture, (thing.left, thing.top), thing.picture)
    return picture


@lru_cache(maxsize=256)
def backdrop(kind: SceneType, tint: int) -> Image.Image:
    upper, lower = (tuple(max(0, min(255, c + tint)) for c in band) for band in kind.bands)
    picture = Image.new("RGB", (SIDE, SIDE), upper)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, kind.horizon, SIDE, SIDE), lower)
    details = tuple(max(0, min(255, c + tint - 14)) for c in kind.bands[0])
    if kind.name in ("kitchen", "office", "living room"):
        for x in range(0, SIDE, 24):
            pen.line((x, 0, x, kind.horizon), details)
    if kind.name == "street":
        for x in range(0, SIDE, 24):
            pen.rectangle((x, 14, x + 16, kind.horizon - 1), details)
            pen.rectangle((x + 4, 76, x + 14, 78), (220, 220, 214))
    if kind.name == "beach":
        pen.rectangle((0, kind.horizon - 14, SIDE, kind.horizon), (70 + tint, 150 + tint, 196 + tint))
    if kind.name == "park":
        for x in range(4, SIDE, 32):
            pen.ellipse((x, 22, x + 24, 46), (104 + tint, 164 + tint, 92 + tint))
    return picture
