"""Mini-COCO is what its generator makes, and its annotations agree with the pictures and with each other."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).parent))

from make_world import validation_scenes
from world.captions import SYNONYMS
from world.coco import CATEGORIES, captions, file_name, instances
from world.icons import ICONS
from world.scenes import draw_scene

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    return {
        name: json.loads((DATA / f"annotations/{name}_val2014.json").read_text())
        for name in ("instances", "captions")
    }


def test_the_stored_pictures_are_the_drawn_ones() -> None:
    for image_id, scene in list(validation_scenes().items())[:8]:
        with Image.open(DATA / "val2014" / file_name(image_id)) as picture:
            stored_pixels = picture.convert("RGB").tobytes()
        assert stored_pixels == draw_scene(scene).tobytes()


def test_the_stored_annotations_are_the_generated_ones(stored: dict[str, Any]) -> None:
    assert instances(validation_scenes()) == stored["instances"]
    assert captions(validation_scenes()) == stored["captions"]


def test_every_picture_is_listed_once_and_has_the_stated_size(stored: dict[str, Any]) -> None:
    listed = stored["instances"]["images"]
    assert listed == stored["captions"]["images"]
    files = sorted(path.name for path in (DATA / "val2014").iterdir())
    assert sorted(image["file_name"] for image in listed) == files
    for image in listed[:10]:
        with Image.open(DATA / "val2014" / image["file_name"]) as picture:
            assert picture.size == (image["width"], image["height"])


def test_boxes_lie_in_the_picture_and_fit_their_polygons(stored: dict[str, Any]) -> None:
    categories = {category["id"] for category in stored["instances"]["categories"]}
    for found in stored["instances"]["annotations"]:
        x, y, width, height = found["bbox"]
        (outline,) = found["segmentation"]
        assert found["category_id"] in categories
        assert x >= 0 and y >= 0 and x + width <= 96 and y + height <= 96
        assert min(outline[0::2]) >= x and max(outline[0::2]) <= x + width
        assert min(outline[1::2]) >= y and max(outline[1::2]) <= y + height
        assert 0 < found["area"] <= width * height


def test_a_polygon_s_area_is_what_pillow_fills(stored: dict[str, Any]) -> None:
    for found in stored["instances"]["annotations"][:40]:
        mask = Image.new("1", (96 * 8, 96 * 8))
        ImageDraw.Draw(mask).polygon([8 * c for c in found["segmentation"][0]], fill=1)
        filled = mask.convert("L").histogram()[255] / 64
        assert filled == pytest.approx(found["area"], rel=0.15, abs=3)


def test_reference_captions_name_only_what_is_there(stored: dict[str, Any]) -> None:
    names = {category["id"]: category["name"] for category in stored["instances"]["categories"]}
    present: dict[int, set[str]] = {}
    for found in stored["instances"]["annotations"]:
        present.setdefault(found["image_id"], set()).add(names[found["category_id"]])
    words = {word: name for name in ICONS for word in (name, *SYNONYMS.get(name, ()))}
    counts: dict[int, int] = {}
    for caption in stored["captions"]["annotations"]:
        text = f" {caption['caption'].lower().rstrip('.').replace(',', '')} "
        named = {name for word, name in words.items() if f" {word} " in text}
        assert len(named) >= 2 or len(present[caption["image_id"]]) < 2, caption
        assert named <= present[caption["image_id"]], caption
        counts[caption["image_id"]] = counts.get(caption["image_id"], 0) + 1
    assert counts == {image["id"]: 5 for image in stored["instances"]["images"]}


def test_every_icon_has_a_category() -> None:
    assert list(CATEGORIES) == list(ICONS)


def test_the_demo_ids_are_images(stored: dict[str, Any]) -> None:
    ids = [int(line) for line in (DATA / "ids.txt").read_text().splitlines()]
    assert len(set(ids)) == len(ids) == 120
    assert set(ids) <= {image["id"] for image in stored["instances"]["images"]}
