"""Inputs that are not scaled as the training examples are told from unusual ones."""

import numpy as np
import pytest

from src.datasets.scale import Scale

PIXELS = np.random.default_rng(0).integers(30, 256, (50, 4, 4), dtype=np.uint8)
X = PIXELS / np.float32(255)


def test_examples_of_the_same_scale_pass() -> None:
    scale = Scale.of(X)
    for x in (X, X[:1], 2 * X, -X, X / 5, np.zeros((3, 4, 4), np.float32)):
        assert scale.mistake(x) == ""


@pytest.mark.parametrize(("trained", "asked"), [(X, PIXELS), (X, PIXELS.astype(np.float32)), (PIXELS.astype(np.float32), X)])
def test_another_scale_is_refused_with_both(trained: np.ndarray, asked: np.ndarray) -> None:
    said = Scale.of(trained).mistake(asked)
    assert said.startswith("50 of 50 inputs are not scaled as in training") and "x / 255" in said
    assert f"{Scale.of(trained).largest:.4g}" in said


def test_one_wrong_input_in_a_batch_is_found() -> None:
    mixed = X.copy()
    mixed[7] *= 255
    assert Scale.of(X).mistake(mixed).startswith("1 of 50")


def test_what_is_not_finite_is_refused() -> None:
    assert "1 of 50 inputs hold NaN" in Scale.of(X).mistake(np.where(np.arange(50)[:, None, None] == 3, np.nan, X))


def test_the_extremes_of_integers_have_a_scale() -> None:
    assert Scale.of(np.array([[-128, 3], [0, 0]], np.int8)) == Scale(128.0, 128.0)
