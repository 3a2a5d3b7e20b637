"""Five scripts in the style of KerasTuner's guides, not a line of which is changed: what is searched, on which data, and whole sweeps."""

import json
import sqlite3
from pathlib import Path

import keras_tuner  # noqa: F401  what follows needs it: tests/tiers.py
import numpy as np
import pytest
from sklearn.datasets import load_digits

from tests.adopting.helpers import arrays, guide, of, overlay, question
from tests.conftest import Command

pytestmark = pytest.mark.xdist_group("adopting")
UNITS = [32, 64, 96, 128]
FILTERS = [4, 8, 12, 16, 20, 24, 28, 32]
QUICK = ("oracle.max_trials=2", "training.engine=keras", "training.epochs=1")
GETTING_STARTED = "getting_started.py:build_model"


def test_getting_started_is_searched_as_the_script_says() -> None:
    found = guide(GETTING_STARTED)
    asked = question(found)
    assert asked["params"] == {
        "model.num_layers": [1, 2, 3],
        "model.units_0": UNITS,
        "model.activation": ["relu", "tanh"],
        "model.dropout": [False, True],
        "model.lr": "tag(log,interval(0.0001,0.01))",
    }
    assert asked["when"] == {"model.num_layers=2,3": {"model.units_1": UNITS}, "model.num_layers=3": {"model.units_2": UNITS}}
    assert asked["defaults"] == [{"override /data": "npz"}, {"override /model": "getting_started"}, {"override /oracle": "random"}]
    assert asked["oracle"] == {"max_trials": 3} and asked["objective"] == "val_accuracy"
    assert asked["training"] == {"epochs": 2, "batch_size": 32, "patience": None}
    assert asked["data"] == {"path": "mlruns/adopted/getting_started.npz", "task": "classes"}
    assert found.left_out == ["executions_per_trial=2: repeat the best with new seeds, as the end of the sweep says"]
    assert of(found, "src/models").count("def build_model(hp)") == 1, "the first of two is replaced before the search"
    assert "load_digits" not in of(found, "src/models"), "a model needs no data of the script"


def test_one_hot_labels_become_numbers_and_inputs_stay_what_they_were() -> None:
    found, digits = arrays(guide(GETTING_STARTED)), load_digits()
    x = digits.images[:700, ..., np.newaxis].astype("float32") / 16.0
    for part, chosen in (("train", slice(300)), ("validation", slice(300, 500)), ("test", slice(500, 700))):
        np.testing.assert_array_equal(found[f"x_{part}"], x[chosen])
        np.testing.assert_array_equal(found[f"y_{part}"], digits.target[:700][chosen])
    assert found["class_names"].tolist() == [str(number) for number in range(10)]
    assert "numbered=True" in of(guide(GETTING_STARTED), "src/models")


def test_a_fit_of_its_own_becomes_an_engine() -> None:
    found = guide("getting_started.py:MyHyperModel")
    assert question(found)["params"] == {"model.units": UNITS, "model.engine.shuffle": [False, True]}
    assert "takes=('x', 'y', 'epochs', 'validation_data'), positional=2" in of(found, "src/training")
    assert "engine: {name: getting_started_myhypermodel, shuffle: false}" in of(found, "conf/model")
    assert not found.left_out


def test_a_training_loop_of_its_own_reports_its_own_metric() -> None:
    found = guide("custom_training.py:MyHyperModel")
    asked = question(found)
    assert asked["params"] == {
        "model.units": [8, 16, 32],
        "model.engine.batch_size": [32, 64, 96, 128],
        "model.engine.learning_rate": "tag(log,interval(0.0001,0.01))",
    }
    assert asked["objective"] == "min:my_metric" and "REPORTS = ('my_metric',)" in of(found, "src/training")
    assert "compile: false" not in of(found, "conf/model"), "its model is not compiled"
    assert {name: array.shape for name, array in arrays(found).items() if "train" in name} == {
        "x_train": (120, 8, 8, 1),
        "y_train": (120,),
    }


def test_distributed_is_a_hyperband_with_patience() -> None:
    found = guide("distributed.py:build_model")
    asked = question(found)
    assert asked["oracle"] == {"max_epochs": 2, "factor": 3, "iterations": 1} and "epochs" not in asked["training"]
    assert asked["training"]["patience"] == 0
    layers = [{f"model.filters_{n}": FILTERS, f"model.kernel_size_{n}": [3, 4, 5], f"model.pooling{n}": ["max", "avg"]} for n in range(3)]
    choices = {"model.global_pooling": ["max", "avg"], "model.optimizer": ["adam", "sgd"]}
    assert asked["params"] == {"model.conv_layers": [1, 2, 3]} | layers[0] | choices
    assert asked["when"] == {"model.conv_layers=2,3": layers[1], "model.conv_layers=3": layers[2]}
    assert [line.partition("=")[0] for line in found.left_out] == [
        "distribution_strategy",
        "search(steps_per_epoch",
        "search(validation_steps",
    ]


def test_failed_trials_is_a_grid_and_its_range_has_steps() -> None:
    found = guide("failed_trials.py:build_model")
    asked = question(found)
    assert asked["params"]["model.units"][::10] == [10, 1000] and asked["params"]["model.opt"] == ["rmsprop", "adam"]
    assert asked["stop"] == {"max_failures": 8} and asked["data"]["task"] == "numbers"
    assert [line.partition(":")[0] for line in found.left_out] == ["max_retries_per_trial=3", "units"]


def test_tailor_searches_what_the_tuner_lists_and_compiles_as_the_tuner_says() -> None:
    found = guide("tailor.py:build_model")
    asked = question(found)
    assert asked["params"] == {"model.learning_rate": "tag(log,interval(0.0001,0.01))"} and not asked["when"]
    assert "units: 64\ndropout: false\n" in of(found, "conf/model"), "fixed by the tuner, and left at its default"
    assert "SparseCategoricalCrossentropy" in of(found, "src/models") and asked["oracle"] == {"max_trials": 5}


def test_the_sweep_of_a_script_ends_with_a_champion_that_answers(command: Command, tmp_path: Path) -> None:
    environment = overlay(guide(GETTING_STARTED), tmp_path)
    done = command("src.sweep", "sweeps=getting_started", *QUICK, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("FINISHED") == 2
    promoted = command("src.promote", **environment)
    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    np.save(tmp_path / "digits.npy", arrays(guide(GETTING_STARTED))["x_test"][:3])
    told = command("src.predict", "model=getting_started", "file=digits.npy", "format=json", **environment)
    assert told.returncode == 0, told.stdout + told.stderr
    assert len(json.loads(told.stdout)) == 3


@pytest.mark.long
def test_the_sweep_of_a_training_loop_runs(command: Command, tmp_path: Path) -> None:
    environment = overlay(guide("custom_training.py:MyHyperModel"), tmp_path)
    done = command("src.sweep", "sweeps=custom_training_myhypermodel", **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    found = sqlite3.connect(next((tmp_path / "mlruns" / "sweeps").glob("*/study.db")))
    assert [state for (state,) in found.execute("select state from trial")] == ["FINISHED"] * 2
    assert [epochs for (epochs,) in found.execute("select count(*) from epoch group by number")] == [2, 2]
