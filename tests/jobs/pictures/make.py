"""Writes little pictures: circles and stripes, in train/ and test/."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image


def main(folder: Path) -> None:
    """Writes 40 pictures for training and 10 for the test, of each class."""
    random, (rows, columns) = np.random.default_rng(0), np.mgrid[:40, :40]
    for part, count in (("train", 40), ("test", 10)):
        for name in ("circle", "stripes"):
            (folder / part / name).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                a, b = random.integers(10, 30, 2)
                shape = (rows - a) ** 2 + (columns - b) ** 2 < 80 if name == "circle" else (rows + columns + a) % 8 < 4
                pixels = (shape[..., None] * random.integers(100, 255, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(folder / part / name / f"{number}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
