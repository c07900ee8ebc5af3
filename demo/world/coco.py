"""Writes scenes in COCO's own files: pictures, instances_val2014.json and captions_val2014.json."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from .captions import reference_captions
from .scenes import SIDE, Scene, Thing, draw_scene

SEED = 1007
SPLIT = "val2014"
POLYGON_ROWS = 8  # a segmentation is drawn through so many rows of the sprite, down one side and up the other

# COCO's own category ids and supercategories.
CATEGORIES = {
    "person": (1, "person"),
    "bicycle": (2, "vehicle"),
    "car": (3, "vehicle"),
    "bus": (6, "vehicle"),
    "traffic light": (10, "outdoor"),
    "bench": (15, "outdoor"),
    "bird": (16, "animal"),
    "cat": (17, "animal"),
    "dog": (18, "animal"),
    "umbrella": (28, "accessory"),
    "kite": (38, "sports"),
    "surfboard": (42, "sports"),
    "bottle": (44, "kitchen"),
    "wine glass": (46, "kitchen"),
    "cup": (47, "kitchen"),
    "fork": (48, "kitchen"),
    "knife": (49, "kitchen"),
    "banana": (52, "food"),
    "apple": (53, "food"),
    "pizza": (59, "food"),
    "chair": (62, "furniture"),
    "couch": (63, "furniture"),
    "potted plant": (64, "furniture"),
    "dining table": (67, "furniture"),
    "tv": (72, "electronic"),
    "laptop": (73, "electronic"),
    "mouse": (74, "electronic"),
    "keyboard": (76, "electronic"),
    "book": (84, "indoor"),
    "clock": (85, "indoor"),
}
INFO = {
    "description": "Mini-COCO: drawn scenes in COCO's format",
    "url": "",
    "version": "1.0",
    "year": 2026,
    "contributor": "align-attention",
    "date_created": "2026-01-01 00:00:00",
}
LICENSES = [{"id": 1, "name": "MIT", "url": "https://opensource.org/license/mit"}]


def write_world(folder: Path, scenes: dict[int, Scene]) -> None:
    """`scenes` by image id. Overwrites what is there."""
    pictures, annotations = folder / SPLIT, folder / "annotations"
    pictures.mkdir(parents=True, exist_ok=True)
    annotations.mkdir(exist_ok=True)
    for image_id, scene in scenes.items():
        draw_scene(scene).save(pictures / file_name(image_id), optimize=True)
    for name, content in (("instances", instances(scenes)), ("captions", captions(scenes))):
        text = json.dumps(content, separators=(",", ":"))
        (annotations / f"{name}_{SPLIT}.json").write_text(text + "\n")


def file_name(image_id: int) -> str:
    return f"COCO_{SPLIT}_{image_id:012d}.png"


def instances(scenes: dict[int, Scene]) -> dict[str, Any]:
    found = [(image_id, thing) for image_id, scene in scenes.items() for thing in scene.things]
    return header(scenes) | {
        "annotations": [instance(number, *pair) for number, pair in enumerate(found, 1)],
        "categories": [
            {"supercategory": group, "id": number, "name": name}
            for name, (number, group) in CATEGORIES.items()
        ],
    }


def captions(scenes: dict[int, Scene]) -> dict[str, Any]:
    written = [
        (image_id, caption)
        for image_id, scene in scenes.items()
        for caption in reference_captions(Random(image_id), scene)
    ]
    return header(scenes) | {
        "annotations": [
            {"image_id": image_id, "id": number, "caption": caption}
            for number, (image_id, caption) in enumerate(written, 1)
        ]
    }


def header(scenes: dict[int, Scene]) -> dict[str, Any]:
    images = [
        {
            "license": 1,
            "file_name": file_name(image_id),
            "coco_url": "",
            "height": SIDE,
            "width": SIDE,
            "date_captured": "2026-01-01 00:00:00",
            "flickr_url": "",
            "id": image_id,
        }
        for image_id in scenes
    ]
    return {"info": INFO, "images": images, "licenses": LICENSES}


def instance(number: int, image_id: int, thing: Thing) -> dict[str, Any]:
    left, top, right, bottom = thing.box
    outline = polygon(thing)
    return {
        "segmentation": [[coordinate for point in outline for coordinate in point]],
        "area": enclosed(outline),
        "iscrowd": 0,
        "image_id": image_id,
        "bbox": [left, top, right - left, bottom - top],
        "category_id": CATEGORIES[thing.name][0],
        "id": number,
    }


def polygon(thing: Thing) -> list[tuple[int, int]]:
    """The outline: the sprite's leftmost and rightmost drawn pixels in some rows."""
    alpha = thing.picture.getchannel("A")
    left_side, right_side = [], []
    steps = min(POLYGON_ROWS, alpha.height)
    for step in range(steps):
        row = step * (alpha.height - 1) // max(1, steps - 1)
        span = alpha.crop((0, row, alpha.width, row + 1)).getbbox()
        if span is None:
            continue
        edge = thing.top + row + (step == steps - 1)  # the last point lies on the lower edge
        left_side.append((thing.left + span[0], edge))
        right_side.append((thing.left + span[2], edge))
    return left_side + right_side[::-1]


def enclosed(outline: list[tuple[int, int]]) -> float:
    """Area of a polygon in square pixels (shoelace)."""
    following = outline[1:] + outline[:1]
    return abs(sum(x * y2 - x2 * y for (x, y), (x2, y2) in zip(outline, following, strict=True))) / 2
