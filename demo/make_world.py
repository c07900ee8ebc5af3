"""Draws mini-COCO's validation images and writes its annotations.

python demo/make_world.py [--out demo/data]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from random import Random

from world.coco import SEED, write_world
from world.scenes import Scene, make_scene

IMAGES = 300
DEMO_IMAGES = 120  # how many of them the demo run captions


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw mini-COCO.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "data")
    folder = parser.parse_args().out
    scenes = validation_scenes()
    write_world(folder, scenes)
    chosen = sorted(Random(SEED).sample(list(scenes), DEMO_IMAGES))
    (folder / "ids.txt").write_text("".join(f"{image_id}\n" for image_id in chosen))
    print(f"{len(scenes)} images in {folder}")


def validation_scenes() -> dict[int, Scene]:
    """Scenes by image id; the ids have gaps, as COCO's have. Each scene depends on its id alone."""
    gaps = Random(SEED)
    scenes: dict[int, Scene] = {}
    image_id = SEED
    for _ in range(IMAGES):
        scenes[image_id] = make_scene(Random(f"{SEED}/{image_id}"))
        image_id += gaps.randint(2, 41)
    return scenes


if __name__ == "__main__":
    main()
