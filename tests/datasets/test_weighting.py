"""Classes may weigh more or less in training; validation is left alone."""

import dataclasses

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from src.datasets import split, with_class_weight
from src.errors import ConfigError
from src.tasks.binary import Binary
from src.tasks.classes import Classes
from src.tasks.labels import Labels
from src.tasks.numbers import Numbers

X, Y = np.random.default_rng(0).random((20, 2), np.float32), np.arange(20) % 5 // 2  # 8 of class 0, 8 of class 1, 4 of class 2
DATA = split(X, Y, Classes(("cat", "dog", "bird")), lambda: (X, Y), validation_split=0.25, split_seed=0)


def test_without_weights_the_data_stay_as_they_are() -> None:
    assert with_class_weight(DATA, None) is DATA
    assert DATA.weights(training=True) is None and len(DATA.batch(np.arange(3), training=True)) == 2


def test_classes_that_are_not_named_weigh_one() -> None:
    data = with_class_weight(DATA, {"dog": 2.5})
    assert data.weights(training=True).tolist() == [2.5 if label == 1 else 1.0 for label in Y]
    assert data.weights(training=False) is None, "validation is not weighted"
    assert np.array_equal(data.batch(np.arange(4), training=True)[2], data.weights(training=True)[:4])


def test_balanced_weights_are_those_of_scikit_learn_on_the_training_split() -> None:
    weights = with_class_weight(DATA, "balanced").weights(training=True)[DATA.train_index]
    assert weights == pytest.approx(compute_sample_weight("balanced", Y[DATA.train_index]), rel=1e-6)


def test_a_class_without_training_examples_needs_no_weight() -> None:
    data = dataclasses.replace(DATA, train_index=np.flatnonzero(Y < 2))
    weights = with_class_weight(data, "balanced").weights(training=True)
    assert np.isfinite(weights).all() and weights[data.train_index].tolist() == [1.0] * len(data.train_index)


def test_they_multiply_the_weights_of_the_examples() -> None:
    given = np.linspace(1, 2, 20)
    data = with_class_weight(dataclasses.replace(DATA, weight=given), {"cat": 3.0})
    assert data.weights(training=True) == pytest.approx(np.where(Y == 0, 3, 1) * given, rel=1e-6)
    assert data.weights(training=False) == pytest.approx(given, rel=1e-6)
    assert data.digest != DATA.digest and data.split_digest != dataclasses.replace(DATA, weight=given).split_digest


def test_two_classes_may_have_weights_too() -> None:
    task = Binary(("no", "yes"))
    data = dataclasses.replace(DATA, y=task.encoded(Y % 2), task=task)
    assert with_class_weight(data, {"yes": 4}).weights(training=True).tolist() == [1 + 3 * (label % 2) for label in Y]


def test_unknown_classes_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError) as told:
        with_class_weight(DATA, {"dgo": 2.0, "fish": 1.0, "cat": 1.0})
    assert [mistake.partition(" Classes")[0] for mistake in told.value.mistakes] == [
        "training.class_weight: no class 'dgo'; did you mean 'dog'?",
        "training.class_weight: no class 'fish'.",
    ]
    assert all("Classes: cat, dog, bird" in mistake for mistake in told.value.mistakes)


def test_only_examples_of_one_class_have_one() -> None:
    for task, y in ((Numbers(), X), (Labels(("a", "b")), X > 0.5), (Classes(("a", "b")), (X > 0.5).astype(int))):
        with pytest.raises(ConfigError, match=r"is not of one class; expected null, or weights of the data set") as told:
            with_class_weight(dataclasses.replace(DATA, y=task.encoded(y), task=task), "balanced")
        assert told.value.mistakes[0].startswith("training.class_weight: an example of the task ")
