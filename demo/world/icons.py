"""Icons of thirty COCO classes, drawn with Pillow on a 100 x 100 canvas and scaled to sprites."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from PIL import Image, ImageDraw

CANVAS = 100
SUPERSAMPLING = 4  # drawn larger and averaged down, so that edges are soft

Colour = tuple[int, int, int]
Draw = Callable[["Pen", Colour], None]

RED, BLUE, GREEN, YELLOW = (206, 46, 44), (44, 92, 190), (44, 140, 66), (240, 198, 40)
WHITE, BLACK, GREY, SILVER = (248, 248, 246), (28, 28, 32), (112, 114, 120), (198, 202, 210)
BROWN, TAN, ORANGE, PURPLE = (122, 78, 42), (206, 166, 116), (232, 128, 34), (126, 66, 158)
TEAL, PINK, SKIN, GLASS = (36, 150, 150), (228, 120, 160), (234, 188, 150), (186, 220, 236)
LEAF, WINE, CHEESE = (58, 128, 52), (130, 22, 52), (246, 208, 96)


@lru_cache(maxsize=16384)
def sprite(name: str, variant: int, size: int, flipped: bool, opacity: int) -> Image.Image:
    """RGBA picture of class `name` whose longer side is `size` pixels; opacity in percent."""
    icon = master(name, variant)
    scale = size / max(icon.size)
    shape = (max(1, round(icon.width * scale)), max(1, round(icon.height * scale)))
    picture = icon.resize(shape, Image.Resampling.BOX)
    if flipped:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    picture.putalpha(picture.getchannel("A").point([a * opacity // 100 for a in range(256)]))
    return picture


@lru_cache(maxsize=256)
def master(name: str, variant: int) -> Image.Image:
    """The icon at full size, cropped to its drawn part."""
    draw, colours = ICONS[name]
    picture = Image.new("RGBA", (CANVAS * SUPERSAMPLING, CANVAS * SUPERSAMPLING))
    draw(Pen(picture), colours[variant % len(colours)])
    box = picture.getbbox()
    assert box is not None
    return picture.crop(box)


class Pen(ImageDraw.ImageDraw):
    """ImageDraw in units of the 100 x 100 canvas."""

    def __init__(self, picture: Image.Image) -> None:
        super().__init__(picture)

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: Colour, radius: float = 0) -> None:
        self.rounded_rectangle(scaled(x0, y0, x1, y1), radius * SUPERSAMPLING, fill)

    def oval(self, x0: float, y0: float, x1: float, y1: float, fill: Colour) -> None:
        self.ellipse(scaled(x0, y0, x1, y1), fill)

    def ring(self, x0: float, y0: float, x1: float, y1: float, colour: Colour, width: int) -> None:
        self.ellipse(scaled(x0, y0, x1, y1), outline=colour, width=width * SUPERSAMPLING)

    def filled(self, *points: float, fill: Colour) -> None:
        self.polygon(scaled(*points), fill)

    def stroke(self, *points: float, fill: Colour, width: int) -> None:
        self.line(scaled(*points), fill, width * SUPERSAMPLING, joint="curve")

    def wedge(self, x0: float, y0: float, x1: float, y1: float, start: int, end: int, fill: Colour) -> None:
        self.pieslice(scaled(x0, y0, x1, y1), start, end, fill)


def scaled(*numbers: float) -> list[float]:
    return [n * SUPERSAMPLING for n in numbers]


def person(d: Pen, c: Colour) -> None:
    d.oval(38, 0, 62, 24, SKIN)
    d.wedge(37, -2, 63, 24, 180, 360, BROWN)
    d.box(32, 25, 68, 62, c, 8)
    d.stroke(34, 30, 22, 60, fill=SKIN, width=8)
    d.stroke(66, 30, 78, 60, fill=SKIN, width=8)
    d.box(34, 58, 48, 98, BLACK, 3)
    d.box(52, 58, 66, 98, BLACK, 3)


def bicycle(d: Pen, c: Colour) -> None:
    d.ring(0, 40, 44, 84, BLACK, 5)
    d.ring(56, 40, 100, 84, BLACK, 5)
    d.stroke(22, 62, 36, 32, 68, 32, 50, 62, 22, 62, fill=c, width=5)
    d.stroke(50, 62, 34, 26, fill=c, width=5)
    d.stroke(78, 62, 66, 20, 78, 16, fill=c, width=5)
    d.box(26, 21, 42, 27, BLACK, 3)


def car(d: Pen, c: Colour) -> None:
    d.filled(22, 48, 34, 24, 68, 24, 82, 48, fill=c)
    d.filled(29, 46, 37, 29, 49, 29, 49, 46, fill=GLASS)
    d.filled(53, 46, 53, 29, 65, 29, 74, 46, fill=GLASS)
    d.box(4, 45, 98, 70, c, 8)
    d.box(90, 50, 98, 58, YELLOW, 2)
    for x in (16, 66):
        d.oval(x, 58, x + 22, 80, BLACK)
        d.oval(x + 7, 65, x + 15, 73, SILVER)


def bus(d: Pen, c: Colour) -> None:
    d.box(0, 12, 100, 78, c, 7)
    for x in (6, 25, 44, 63):
        d.box(x, 22, x + 15, 42, GLASS, 2)
    d.box(82, 22, 96, 70, GLASS, 2)
    d.box(0, 52, 78, 57, WHITE)
    for x in (14, 62):
        d.oval(x, 66, x + 22, 88, BLACK)
        d.oval(x + 7, 73, x + 15, 81, SILVER)


def traffic_light(d: Pen, c: Colour) -> None:
    d.box(46, 66, 54, 100, GREY)
    d.box(32, 0, 68, 70, BLACK, 6)
    for y, light in ((5, RED), (27, YELLOW), (48, GREEN)):
        d.oval(41, y, 59, y + 18, light)


def bench(d: Pen, c: Colour) -> None:
    for y in (26, 38):
        d.box(4, y, 96, y + 8, c, 2)
    d.box(0, 54, 100, 63, c, 2)
    for x in (10, 82):
        d.box(x, 22, x + 5, 56, BLACK)
        d.box(x, 62, x + 6, 86, BLACK)


def bird(d: Pen, c: Colour) -> None:
    d.filled(24, 56, 0, 40, 6, 66, fill=c)
    d.oval(14, 34, 74, 74, c)
    d.oval(56, 18, 86, 48, c)
    d.filled(84, 28, 100, 34, 84, 40, fill=ORANGE)
    d.oval(70, 26, 77, 33, BLACK)
    d.filled(30, 48, 58, 46, 36, 70, fill=GREY)
    d.stroke(40, 72, 40, 88, fill=ORANGE, width=4)
    d.stroke(52, 72, 52, 88, fill=ORANGE, width=4)


def cat(d: Pen, c: Colour) -> None:
    d.stroke(76, 84, 94, 74, 92, 48, fill=c, width=8)
    d.oval(26, 42, 82, 98, c)
    d.filled(20, 6, 24, 36, 44, 18, fill=c)
    d.filled(76, 6, 72, 36, 52, 18, fill=c)
    d.oval(20, 14, 76, 58, c)
    for x in (32, 54):
        d.oval(x, 28, x + 10, 40, YELLOW)
        d.oval(x + 3, 29, x + 7, 39, BLACK)
    d.filled(44, 44, 52, 44, 48, 49, fill=PINK)


def dog(d: Pen, c: Colour) -> None:
    d.stroke(10, 48, 2, 26, fill=c, width=7)
    d.box(8, 42, 70, 70, c, 12)
    for x in (12, 24, 50, 61):
        d.box(x, 62, x + 8, 94, c, 2)
    d.box(56, 18, 84, 50, c, 9)
    d.box(76, 30, 100, 46, c, 6)
    d.filled(56, 18, 70, 18, 60, 46, fill=BLACK)
    d.oval(93, 29, 100, 36, BLACK)
    d.oval(76, 24, 81, 29, BLACK)
    d.box(58, 48, 70, 53, RED)


def umbrella(d: Pen, c: Colour) -> None:
    d.box(48, 6, 52, 92, BROWN)
    d.stroke(50, 90, 56, 96, 64, 90, fill=BROWN, width=4)
    d.wedge(0, 4, 100, 104, 180, 360, c)
    d.wedge(32, 4, 68, 104, 180, 360, WHITE)
    for x in (0, 33, 66):
        d.oval(x, 48, x + 34, 62, (0, 0, 0, 0))  # type: ignore[arg-type]  # scallops: cut out
    d.box(48, 48, 52, 92, BROWN)


def kite(d: Pen, c: Colour) -> None:
    d.filled(58, 0, 92, 34, 50, 70, 26, 28, fill=c)
    d.filled(58, 0, 92, 34, 56, 32, fill=YELLOW)
    d.filled(26, 28, 56, 32, 50, 70, fill=YELLOW)
    d.stroke(50, 70, 38, 78, 44, 88, 28, 98, fill=BLACK, width=3)
    d.filled(30, 74, 46, 82, 44, 74, 32, 82, fill=RED)


def surfboard(d: Pen, c: Colour) -> None:
    d.oval(32, 0, 68, 100, c)
    d.box(48, 4, 52, 96, WHITE)
    d.box(33, 58, 67, 66, YELLOW)


def bottle(d: Pen, c: Colour) -> None:
    d.box(42, 0, 58, 10, RED)
    d.box(42, 9, 58, 36, c, 2)
    d.box(32, 30, 68, 100, c, 9)
    d.box(32, 52, 68, 80, WHITE)


def wine_glass(d: Pen, c: Colour) -> None:
    d.wedge(26, -34, 74, 58, 0, 180, GLASS)
    d.wedge(29, -24, 71, 54, 0, 180, c)
    d.box(47, 54, 53, 92, GLASS)
    d.oval(30, 88, 70, 99, GLASS)


def cup(d: Pen, c: Colour) -> None:
    d.ring(62, 32, 98, 72, c, 8)
    d.box(8, 20, 74, 90, c, 10)
    d.oval(8, 14, 74, 32, WHITE)
    d.oval(14, 18, 68, 30, BROWN)


def fork(d: Pen, c: Colour) -> None:
    for x in (34, 44, 54, 63):
        d.box(x, 0, x + 4, 34, c, 1)
    d.box(34, 28, 67, 42, c, 7)
    d.box(47, 38, 55, 100, c, 3)


def knife(d: Pen, c: Colour) -> None:
    d.filled(44, 60, 44, 0, 58, 14, 60, 60, fill=c)
    d.box(43, 58, 59, 100, BLACK, 4)


def banana(d: Pen, c: Colour) -> None:
    d.chord(scaled(2, -24, 98, 78), 5, 175, c)
    d.oval(4, -28, 92, 52, (0, 0, 0, 0))  # type: ignore[arg-type]  # the inner curve: cut out
    d.box(0, 22, 9, 34, BROWN, 2)
    d.box(91, 22, 100, 36, BROWN, 2)


def apple(d: Pen, c: Colour) -> None:
    d.oval(8, 24, 60, 92, c)
    d.oval(40, 24, 92, 92, c)
    d.stroke(50, 32, 54, 6, fill=BROWN, width=6)
    d.oval(56, 6, 82, 20, LEAF)
    d.oval(20, 36, 32, 52, WHITE)


def pizza(d: Pen, c: Colour) -> None:
    d.oval(0, 14, 100, 86, BROWN)
    d.oval(5, 18, 95, 81, c)
    for x, y in ((22, 34), (48, 24), (68, 42), (40, 50), (20, 54), (58, 62)):
        d.oval(x, y, x + 14, y + 11, RED)
    for x, y in ((38, 40), (62, 33), (34, 66), (76, 56)):
        d.oval(x, y, x + 7, y + 5, LEAF)


def chair(d: Pen, c: Colour) -> None:
    d.box(20, 0, 28, 100, c)
    d.box(20, 4, 32, 48, c, 3)
    d.box(20, 50, 80, 60, c, 3)
    d.box(72, 56, 80, 100, c)
    d.box(24, 44, 76, 52, TAN, 4)


def couch(d: Pen, c: Colour) -> None:
    d.box(10, 18, 90, 62, c, 9)
    d.box(0, 36, 17, 80, c, 7)
    d.box(83, 36, 100, 80, c, 7)
    d.box(14, 52, 49, 68, WHITE, 4)
    d.box(51, 52, 86, 68, WHITE, 4)
    d.box(6, 68, 94, 80, c, 3)
    d.box(8, 80, 16, 88, BLACK)
    d.box(84, 80, 92, 88, BLACK)


def potted_plant(d: Pen, c: Colour) -> None:
    for points in ((50, 64, 8, 30, 30, 20), (50, 64, 92, 30, 70, 20), (50, 64, 38, 0, 62, 0)):
        d.filled(*points, fill=LEAF)
    d.oval(28, 22, 72, 56, LEAF)
    d.filled(28, 60, 72, 60, 65, 100, 35, 100, fill=c)
    d.box(25, 56, 75, 66, c, 2)


def dining_table(d: Pen, c: Colour) -> None:
    d.filled(12, 30, 88, 30, 100, 48, 0, 48, fill=c)
    d.box(0, 47, 100, 53, BROWN)
    d.box(5, 53, 12, 84, BROWN)
    d.box(88, 53, 95, 84, BROWN)


def tv(d: Pen, c: Colour) -> None:
    d.box(0, 10, 100, 74, BLACK, 4)
    d.box(6, 16, 94, 68, c)
    d.filled(6, 68, 40, 34, 68, 68, fill=GREEN)
    d.oval(66, 22, 80, 36, YELLOW)
    d.box(44, 74, 56, 84, BLACK)
    d.box(28, 83, 72, 89, BLACK)


def laptop(d: Pen, c: Colour) -> None:
    d.box(16, 12, 84, 62, GREY, 4)
    d.box(21, 17, 79, 57, c)
    d.filled(14, 62, 86, 62, 100, 84, 0, 84, fill=SILVER)
    d.filled(22, 65, 78, 65, 84, 75, 16, 75, fill=GREY)


def mouse(d: Pen, c: Colour) -> None:
    d.stroke(50, 32, 46, 14, 58, 2, fill=BLACK, width=5)
    d.oval(24, 24, 76, 100, c)
    d.stroke(26, 56, 74, 56, fill=BLACK, width=3)
    d.stroke(50, 26, 50, 56, fill=BLACK, width=3)
    d.box(46, 34, 54, 48, RED, 3)


def keyboard(d: Pen, c: Colour) -> None:
    d.box(0, 30, 100, 70, c, 4)
    for y in (35, 46):
        for x in range(4, 94, 12):
            d.box(x, y, x + 9, y + 8, WHITE, 1)
    d.box(22, 57, 78, 65, WHITE, 1)


def book(d: Pen, c: Colour) -> None:
    d.filled(0, 22, 50, 30, 50, 86, 0, 78, fill=c)
    d.filled(100, 22, 50, 30, 50, 86, 100, 78, fill=c)
    d.filled(5, 18, 50, 27, 50, 80, 5, 72, fill=WHITE)
    d.filled(95, 18, 50, 27, 50, 80, 95, 72, fill=WHITE)
    for y in (34, 46, 58):
        d.stroke(12, y - 4, 43, y + 2, fill=GREY, width=3)
        d.stroke(88, y - 4, 57, y + 2, fill=GREY, width=3)


def clock(d: Pen, c: Colour) -> None:
    d.oval(4, 4, 96, 96, c)
    d.oval(13, 13, 87, 87, WHITE)
    d.stroke(50, 50, 50, 22, fill=BLACK, width=6)
    d.stroke(50, 50, 70, 58, fill=BLACK, width=6)
    for x, y in ((50, 18), (50, 82), (18, 50), (82, 50)):
        d.oval(x - 3, y - 3, x + 3, y + 3, BLACK)


ICONS: dict[str, tuple[Draw, tuple[Colour, ...]]] = {
    "person": (person, (RED, BLUE, PURPLE, TEAL)),
    "bicycle": (bicycle, (RED, BLUE, GREEN)),
    "car": (car, (RED, BLUE, TEAL, WHITE)),
    "bus": (bus, (YELLOW, RED, GREEN)),
    "traffic light": (traffic_light, (BLACK,)),
    "bench": (bench, (BROWN, TAN)),
    "bird": (bird, (BLUE, BLACK, WHITE)),
    "cat": (cat, (ORANGE, BLACK, GREY)),
    "dog": (dog, (BROWN, TAN, WHITE)),
    "umbrella": (umbrella, (RED, BLUE, PURPLE)),
    "kite": (kite, (RED, BLUE, PURPLE)),
    "surfboard": (surfboard, (RED, BLUE, TEAL)),
    "bottle": (bottle, (GREEN, BROWN, BLUE)),
    "wine glass": (wine_glass, (WINE, CHEESE)),
    "cup": (cup, (RED, BLUE, TEAL, PURPLE)),
    "fork": (fork, (SILVER, GREY)),
    "knife": (knife, (SILVER, GREY)),
    "banana": (banana, (YELLOW,)),
    "apple": (apple, (RED, GREEN)),
    "pizza": (pizza, (CHEESE,)),
    "chair": (chair, (BROWN, RED, BLUE)),
    "couch": (couch, (RED, BLUE, GREEN, PURPLE)),
    "potted plant": (potted_plant, (ORANGE, BROWN)),
    "dining table": (dining_table, (TAN, ORANGE)),
    "tv": (tv, (BLUE, TEAL)),
    "laptop": (laptop, (BLUE, TEAL, WHITE)),
    "mouse": (mouse, (WHITE, GREY)),
    "keyboard": (keyboard, (BLACK, GREY)),
    "book": (book, (RED, BLUE, GREEN)),
    "clock": (clock, (RED, BLACK, BROWN)),
}
