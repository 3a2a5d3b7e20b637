"""What layers learn by `adapt` is recorded, and given to them again where the training data are not."""

import json
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from src.models import adapting
from src.training import runtime

WORDS = np.array(["a dog barks", "a cat sleeps", "the dog sleeps", "the cat"])
OTHER = np.array(["unknown words"])
NUMBERS, OTHERS = np.linspace(0, 9, 40, dtype=np.float32)[:, None], np.full((3, 1), 77.0, np.float32)
LABELS = np.array(["red", "green", "red", "blue"])
CODES = np.array([7, 3, 7, 1000])


@pytest.fixture(autouse=True)
def configured() -> None:
    runtime.configure(1)


def layer_of(kind: str, **options: Any) -> Callable[[Any], keras.layers.Layer]:
    def make(examples: Any) -> keras.layers.Layer:
        layer = getattr(keras.layers, kind)(**options)
        layer.adapt(examples)
        return layer

    return make


def feature_space(examples: Any) -> Any:
    space = keras.utils.FeatureSpace(
        {"color": "string_categorical", "code": "integer_categorical", "size": "float_discretized"}, output_mode="concat"
    )
    import tensorflow as tf

    space.adapt(tf.data.Dataset.from_tensor_slices(examples))
    return space


TABLE = {"color": LABELS, "code": CODES, "size": np.array([0.5, 1.5, 2.5, 9.0], np.float32)}
CASES = {  # layer, what it learns of, what it is asked, and what it sees where it is built again
    "TextVectorization": (layer_of("TextVectorization"), WORDS, OTHER),
    "TextVectorization of few": (layer_of("TextVectorization", max_tokens=4, output_sequence_length=5), WORDS, OTHER),
    "TextVectorization counts": (layer_of("TextVectorization", output_mode="count"), WORDS, OTHER),
    "TextVectorization tf_idf": (layer_of("TextVectorization", output_mode="tf_idf"), WORDS, OTHER),
    "TextVectorization padded tf_idf": (
        layer_of("TextVectorization", output_mode="tf_idf", max_tokens=20, pad_to_max_tokens=True),
        WORDS,
        OTHER,
    ),
    "StringLookup": (layer_of("StringLookup"), LABELS, np.array(["black"])),
    "StringLookup one_hot": (layer_of("StringLookup", output_mode="one_hot", num_oov_indices=2), LABELS, np.array(["black"])),
    "StringLookup with a mask": (layer_of("StringLookup", **{"mask_token": "red"}), LABELS, np.array(["black"])),
    "IntegerLookup": (layer_of("IntegerLookup"), CODES, np.array([5])),
    "IntegerLookup multi_hot": (layer_of("IntegerLookup", output_mode="multi_hot"), CODES, np.array([5])),
    "Discretization": (layer_of("Discretization", num_bins=4), NUMBERS, OTHERS),
    "FeatureSpace": (feature_space, TABLE, {"color": np.array(["x"]), "code": np.array([5]), "size": np.array([1e6], np.float32)}),
}


def outputs(layer: Any, x: Any) -> np.ndarray:
    import tensorflow as tf

    return np.asarray(layer({name: tf.constant(one) for name, one in x.items()} if isinstance(x, dict) else tf.constant(x)))


@pytest.mark.parametrize("case", CASES)
def test_what_was_learned_is_given_again_whatever_a_layer_is_adapted_to(case: str) -> None:
    make, examples, other = CASES[case]
    with adapting.recording() as learned:
        first = make(examples)
    stored = json.loads(json.dumps(learned))
    assert stored == learned, "it is JSON"
    with adapting.replaying(stored):
        again = make(other)
    assert np.array_equal(outputs(again, examples), outputs(first, examples))
    assert np.array_equal(outputs(again, other), outputs(first, other))
    unlike = make(other)
    assert outputs(unlike, examples).shape != outputs(first, examples).shape or not np.array_equal(
        outputs(unlike, examples), outputs(first, examples)
    ), "without it, another layer"


def test_recording_changes_nothing_that_is_learned() -> None:
    for make, examples, _ in CASES.values():
        with adapting.recording():
            recorded = make(examples)
        assert np.array_equal(outputs(recorded, examples), outputs(make(examples), examples))


def test_layers_learn_in_their_order() -> None:
    lookup, bins = CASES["StringLookup"][0], CASES["Discretization"][0]
    with adapting.recording() as learned:
        lookup(LABELS), lookup(np.array(["one"])), bins(NUMBERS)
    assert [one["layer"] for one in learned] == ["StringLookup", "StringLookup", "Discretization"]
    with adapting.replaying(learned):
        first, second = lookup(OTHER), lookup(OTHER)
        bins(OTHERS)
    assert set(first.get_vocabulary(include_special_tokens=False)) == {"red", "green", "blue"}
    assert second.get_vocabulary(include_special_tokens=False) == ["one"]


def test_other_layers_than_in_training_are_refused() -> None:
    lookup, bins = CASES["StringLookup"][0], CASES["Discretization"][0]
    with adapting.recording() as learned:
        lookup(LABELS)
    with pytest.raises(ValueError, match="a Discretization is adapted; expected StringLookup, as in training"), adapting.replaying(learned):
        bins(NUMBERS)
    with pytest.raises(ValueError, match="a StringLookup is adapted; expected none"), adapting.replaying(learned):
        lookup(LABELS), lookup(LABELS)
    with pytest.raises(ValueError, match="1 layers are not adapted, such as a StringLookup"), adapting.replaying(learned):
        pass


def test_a_layer_that_learns_elsewhere_is_left_alone() -> None:
    with pytest.raises(RuntimeError, match="stopped"), adapting.recording():
        raise RuntimeError("stopped")
    with pytest.raises(ZeroDivisionError), adapting.replaying([{"layer": "StringLookup", "vocabulary": ["a"], "idf_weights": None}]):
        1 / 0  # noqa: B018
    lookup = CASES["StringLookup"][0](LABELS)
    assert set(lookup.get_vocabulary(include_special_tokens=False)) == {"red", "green", "blue"}
