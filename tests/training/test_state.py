"""State is found by name: in models and their clones, in every optimizer, in checkpoints."""

import keras
import numpy as np
import pytest

from src.training import runtime, state
from src.training.agreement import disagreement
from src.training.checkpoint import Checkpoint
from src.training.structure import structure_of
from tests.training.networks import Weighted
from tests.training.test_matrix import OPTIMIZERS, SCHEDULE

DECAY = keras.optimizers.schedules.ExponentialDecay(**{key: value for key, value in SCHEDULE.items() if key != "_target_"})


@pytest.fixture(autouse=True)
def one_thread() -> None:
    runtime.configure(1)
    keras.backend.clear_session()  # so that layers have the names of a first model
    keras.utils.set_random_seed(1)


def network() -> keras.Model:
    nested = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, name="inner"), keras.layers.BatchNormalization()])
    rows = keras.Input((4, 6))
    cells = keras.layers.Bidirectional(keras.layers.LSTM(3))(rows)
    return keras.Model(rows, keras.layers.Dropout(0.2)(nested(keras.layers.Dense(3, name="outer")(cells))))


def test_a_clone_has_the_same_names() -> None:
    model = network()
    clone = keras.models.clone_model(model)
    names = list(state.of_model(model))
    assert len(names) == len(model.variables) and names == list(state.of_model(clone))
    assert {"outer/kernel", "dropout/seed", "bidirectional/forward_layer/cell/kernel"} <= set(names)
    assert [variable.path for variable in clone.variables] != [variable.path for variable in model.variables], "a path is no name"


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(
    "settings", [{}, {"learning_rate": DECAY}, {"use_ema": True, "gradient_accumulation_steps": 2}], ids=["plain", "schedule", "ema"]
)
def test_every_variable_of_an_optimizer_has_a_name_that_says_whose_it_is(name: str, settings: dict) -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="a"), keras.layers.Dense(2, name="b")])
    model.compile(optimizer=getattr(keras.optimizers, name)(**settings), loss="mse")
    found = {key: variable for key, variable in state.of(model).items() if key.startswith("optimizer/")}
    assert {id(variable) for variable in found.values()} == {id(variable) for variable in model.optimizer.variables}
    assert (state.LEARNING_RATE in found) is ("learning_rate" not in settings) and not any("#" in key for key in found)
    assert all(key.endswith(("/a/kernel", "/a/bias", "/b/kernel", "/b/bias")) for key in found if key.count("/") > 1)


def test_the_variables_of_an_optimizer_within_another_are_found_and_its_learning_rate_is_no_part_of_the_structure() -> None:
    texts = []
    for rate in (0.1, 0.2):
        keras.backend.clear_session()
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="a")])
        model.compile(optimizer=keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(rate, momentum=0.9)), loss="mse")
        assert "optimizer/inner_optimizer/momentums/a/kernel" in state.of(model)
        assert state.of(model).keys() == state.of(model).keys(), "however often it is looked at"
        texts.append(structure_of(model, Data, 4, 1000))
    assert texts[0] == texts[1]


class Data:
    split_digest = "of the data"


def test_names_that_one_side_lacks_are_refused() -> None:
    one = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="a")])
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="b")])
    with pytest.raises(ValueError, match="a/bias, a/kernel, b/bias, b/kernel: only on one side"):
        state.assign(state.of_model(one), state.of_model(other))


def test_an_array_of_a_configuration_is_told_from_a_longer_one_like_it() -> None:
    def of(last: float) -> str:
        keras.backend.clear_session()
        mean = np.append(np.zeros(5000), last)
        model = keras.Sequential([keras.Input((5001,)), keras.layers.Normalization(mean=mean, variance=mean + 1), keras.layers.Dense(2)])
        model.compile(loss="mse")
        return structure_of(model, Data, 4, 1000)

    assert of(0.0) == of(0.0) != of(1.0)


def test_a_clone_that_is_another_model_is_told_by_what_it_gives() -> None:
    model = network()
    clone = keras.models.clone_model(model)
    batch = np.random.default_rng(0).normal(size=(5, 4, 6)).astype(np.float32), np.zeros((5, 3), np.float32)
    for one in (model, clone):
        one.compile(optimizer="sgd", loss="mse")
    before = state.values(state.of(model))
    assert disagreement(model, clone, batch) == ""
    clone.get_layer("outer").activation = keras.activations.tanh
    assert "a clone of it gives another prediction in validation" in disagreement(model, clone, batch)
    clone.get_layer("outer").trainable = False
    assert "outer/kernel is trained in one of model and clone alone" in disagreement(model, clone, batch)
    assert all(np.array_equal(value, before[name]) for name, value in state.values(state.of(model)).items()), "nothing moved"


def test_a_checkpoint_names_what_it_holds_and_keeps_every_type() -> None:
    narrow = keras.ops.convert_to_numpy(keras.ops.cast([1.5, 2.25], "bfloat16"))
    now = {"b": narrow, "a": np.float32([1, 2]), "seed": np.array(7, np.int64), "flag": np.array(True)}
    kept = {**now, "a": np.float32([3, 4])}
    read = Checkpoint.from_bytes(Checkpoint({"loss": [0.5]}, now, 1, kept).to_bytes())
    for found, expected in ((read.variables, now), (read.kept, kept)):
        assert list(found) == list(expected)
        assert all(found[name].dtype == value.dtype and np.array_equal(found[name], value) for name, value in expected.items())


def test_a_weight_without_a_name_has_that_of_its_attribute() -> None:
    keras.layers.Dense(1).build((1, 1))  # so that the next one is counted
    model = keras.Sequential([keras.Input((4,)), Weighted(name="own"), Weighted(name="other")])
    assert list(state.of_model(model)) == ["own/w", "other/w"]
