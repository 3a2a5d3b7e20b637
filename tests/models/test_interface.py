"""What a model's `build` may ask of the data, and what a served model has in their place."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from src import models
from src.datasets import Dataset
from src.errors import ConfigError
from src.models import Interface
from src.models.interface import DESCRIPTION, EXAMPLE
from src.tasks.binary import Binary
from src.tasks.classes import Classes
from src.tasks.labels import Labels
from src.tasks.numbers import Numbers
from src.tasks.several import Several
from src.training import runtime

X = {"age": np.arange(6, dtype=np.float32)[:, None], "word": np.array(["a", "bc", "a", "d", "a", "a"])}
KINDS = Several({"species": Classes(("a", "b", "c")), "price": Numbers(("price",))}, "species")
NODE = {"_target_": "src.models.two_layer.build"}


@pytest.fixture(autouse=True)
def configured() -> None:
    runtime.configure(1)


def data(task: Any = KINDS, x: Any = X, y: Any = None, **more: Any) -> Dataset:
    y = task.encoded({"species": np.arange(6) % 3, "price": np.arange(6.0)} if y is None else y)
    return Dataset(x, y, np.array([3, 1, 2]), np.array([0, 4, 5]), task, lambda: (x, y), **more)


def test_what_it_gives_a_model_is_that_of_the_data() -> None:
    found = {name: value() for name, value in Interface.of(data(facts={"words": ["a"]})).arguments().items()}
    assert found["input_shape"] == {"age": (1,), "word": ()}
    assert found["outputs"] == {"species": (3,), "price": (1,)}
    assert found["facts"] == {"words": ["a"]} and "num_classes" not in found
    assert found["data"]["word"].tolist() == ["d", "bc", "a"], "layers learn of the training split alone"


@pytest.mark.parametrize(
    ("task", "y", "outputs", "activation", "classes"),
    [
        (Classes(("a", "b", "c")), np.arange(6) % 3, (3,), "softmax", 3),
        (Classes(("a", "b", "c")), np.arange(24).reshape(6, 4) % 3, (4, 3), "softmax", 3),
        (Binary(("no", "yes")), np.arange(6) % 2, (1,), "sigmoid", 2),
        (Labels(("a", "b", "c", "d")), np.ones((6, 4)), (4,), "sigmoid", 4),
        (Numbers(("price",)), np.arange(6.0), (1,), "linear", None),
        (Numbers(("u", "v")), np.ones((6, 2)), (2,), "linear", None),
    ],
)
def test_outputs_and_their_activation_are_those_of_the_task(
    task: Any, y: np.ndarray, outputs: tuple, activation: str, classes: int | None
) -> None:
    found = {name: value() for name, value in Interface.of(data(task, X["age"], y)).arguments().items()}
    assert (found["outputs"], found["output_activation"], found.get("num_classes")) == (outputs, activation, classes)


@pytest.mark.parametrize(
    "x",
    [X, tuple(X.values()), X["age"], X["word"], {"age": X["age"]}, (X["age"],)],
    ids=["dict", "tuple", "numbers", "texts", "dict of one", "tuple of one"],
)
def test_its_files_are_enough_to_make_it_again(x: Any, tmp_path: Path) -> None:
    first = Interface.of(data(x=x, facts={"mean": 2.5}))
    files = first.files()
    assert set(files) == {DESCRIPTION, EXAMPLE}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    again = Interface.read(tmp_path)
    assert again.task == first.task and again.outputs == first.outputs and again.facts == {"mean": 2.5}
    assert type(again.example) is type(first.example)
    given, expected = (keras.tree.flatten(one.example) for one in (again, first))
    assert [(one.dtype, one.tolist()) for one in given] == [(one.dtype, one.tolist()) for one in expected]
    assert {name: value() for name, value in again.arguments().items() if name != "data"} == {
        name: value() for name, value in first.arguments().items() if name != "data"
    }


def test_what_is_read_is_the_example(tmp_path: Path) -> None:
    found = Interface.of(data(x=np.arange(6), read=lambda index: np.ones((len(index), 2)) * index[:, None]))
    assert found.example.tolist() == [[3.0, 3.0]] and found.arguments()["input_shape"]() == (2,)


def test_a_model_that_wants_what_the_data_do_not_have_is_told(two_layer: Any) -> None:
    two_layer(lambda input_shape, num_classes: keras.Sequential([keras.Input(input_shape), keras.layers.Dense(num_classes)]))
    with pytest.raises(ConfigError, match="asks for num_classes, which these data do not have; expected outputs"):
        models.build(NODE, Interface.of(data(Numbers(("price",)), X["age"], np.arange(6.0))))


def several(wrong: str = "") -> keras.Model:
    age, word = keras.Input((1,), name="age"), keras.Input((), dtype="string", name="word")
    species = keras.layers.Dense(2 if wrong == "species" else 3, "softmax", name="species")(age)
    price = keras.layers.Dense(1, name="price")(age)
    outputs = [species, price] if wrong == "list" else {"species": species, ("prize" if wrong == "name" else "price"): price}
    return keras.Model({"age": age, "word": word}, outputs)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("", ""),
        ("species", r"gives species \(batch, 2\), price \(batch, 1\); expected species \(batch, 3\), price \(batch, 1\)"),
        ("name", r"gives species \(batch, 3\), prize \(batch, 1\); expected species"),
        ("list", r"gives \[\(batch, 3\), \(batch, 1\)\]; expected species \(batch, 3\), price \(batch, 1\) for the task"),
    ],
)
def test_every_output_has_its_name_and_shape(wrong: str, message: str, two_layer: Any) -> None:
    two_layer(lambda input_shape: several(wrong))
    if not message:
        assert models.build(NODE, Interface.of(data())).built
        return
    with pytest.raises(ConfigError, match=message):
        models.build(NODE, Interface.of(data()))
