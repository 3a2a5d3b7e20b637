"""Every picture is a PNG of readable size, also in the odd cases."""

import struct

import numpy as np
import pytest

from src.plots import classes, curves, png

HISTORY = {"loss": [0.9, 0.5], "val_loss": [0.8, 0.6], "accuracy": [0.5, 0.7], "val_accuracy": [0.5, 0.6]}
ONE_STEP = {name: values[:1] for name, values in HISTORY.items()}
NAMES = ("T-shirt/top", "Trouser", "Bag")
RANDOM = np.random.default_rng(0)
X, TRUTH = RANDOM.random((40, 8, 8)), np.arange(40) % 3
PROBABILITIES = RANDOM.dirichlet((1, 1, 1), 40)

PICTURES = {
    "curves": lambda: curves.curves(HISTORY, 2, "two_layer"),
    "one step": lambda: curves.curves(ONE_STEP, 1, "baseline"),
    "folds": lambda: curves.folds([0.8, 0.9], 0.85, "baseline"),
    "overview of one": lambda: png(curves.overview([("only", HISTORY)])),
    "overview of many": lambda: png(curves.overview([(f"seed={n}", HISTORY if n else ONE_STEP) for n in range(60)])),
    "panels of one": lambda: curves.panels([("only", HISTORY)], "loss"),
    "panels without curves": lambda: curves.panels([("baseline", ONE_STEP)], "loss"),
    "panels of many": lambda: curves.panels([(f"model=two_layer seed={n}", HISTORY) for n in range(60)], "loss"),
    "confusion": lambda: classes.confusion(TRUTH, PROBABILITIES.argmax(1), NAMES),
    "per class": lambda: classes.accuracy_per_class(TRUTH[:2], TRUTH[:2], NAMES),
    "wrong": lambda: classes.confidently_wrong(X, TRUTH, PROBABILITIES, NAMES),
    "nothing wrong": lambda: classes.confidently_wrong(X, TRUTH, np.eye(3)[TRUTH], NAMES),
    "examples in colour": lambda: classes.examples(RANDOM.random((12, 8, 8, 3)), TRUTH, NAMES),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_a_png_that_fits_a_page(name: str) -> None:
    content = PICTURES[name]()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    assert 150 < width <= 1250 and 150 < height <= 1400


def test_only_pictures_are_shown_as_pictures() -> None:
    assert classes.are_pictures(X) and classes.are_pictures(X[..., None])
    assert not classes.are_pictures(X.reshape(40, 64)) and not classes.are_pictures(RANDOM.random((4, 8, 8, 7)))
