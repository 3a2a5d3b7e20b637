"""Standings and curves read from studies, those of schema 1 among them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from src.objective import Objective
from src.results import scores
from src.results.identity import parsed
from src.results.leaderboard import Standing
from src.study.store import Store
from tests.running.conftest import Driven, units

ACCURACY = Objective("val_accuracy", "max")


def standing(*stores: Store) -> Standing:
    return scores.standing_of(stores, ACCURACY)


@pytest.fixture
def sweep(driven: Driven, tmp_path: Path) -> Callable[..., Store]:
    """Runs a sweep of stubs in a folder of its own."""

    def run(name: str, code: str, *words: str) -> Store:
        driven.folder = tmp_path / name
        driven.folder.mkdir()
        driven.tags = {"trialbook.code": code, "trialbook.versions": "keras 3.12.0"}
        store = driven.run(units, *words).recorder.store
        store.describe(sweep_id=name, objective="max:val_accuracy", commit="c0ffee", versions="python 3.12.1, keras 3.12.0, mlflow 3.6.0")
        (driven.folder / "code.patch").write_bytes(b"")
        return store

    return run


def test_two_sweeps_are_pooled_only_where_they_are_results_of_the_same(sweep: Callable[..., Store]) -> None:
    first = sweep("1", "3f2a", "model.units=12", "seed=1,2", "optimizer.learning_rate=1e-2")
    same = sweep("2", "3f2a", "optimizer=rmsprop", "model.units=12", "seed=2,3", "optimizer.learning_rate=0.010")
    other = sweep("3", "77ab", "model.units=12", "seed=4", "optimizer.learning_rate=0.01")
    assert [len(entry.trials) for entry in standing(first, same).entries] == [3]
    found = standing(first, same, other)
    assert {found.origin(entry): len(entry.trials) for entry in found.entries} == {
        "code 3f2a, not known: data": 3,
        "code 77ab, not known: data": 1,
    }


def test_curves_of_one_identity_are_not_appended_to_each_other(sweep: Callable[..., Store]) -> None:
    store = sweep("1", "3f2a", "model.units=12,14")
    store._db.execute("update trial set active_hash = (select active_hash from trial where number = 0), state = 'FAILED', score = null")
    store._db.execute("update trial set state = 'FINISHED', score = 0.5, kept_epoch = 1, epochs = 1 where number = 1")
    store._db.execute("update epoch set metrics = ? where number = 1", (json.dumps({"val_accuracy": 0.75}),))
    found = standing(store)
    assert list(scores.histories(found.trials, [store]).values()) == [{"val_accuracy": [0.75]}], "of the trial that counts"


def test_rungs_of_one_configuration_are_a_row_with_the_seconds_along_its_parents(sweep: Callable[..., Store]) -> None:
    store = sweep("1", "3f2a", "model.units=12,14", "training.epochs=1,2,3")
    for number, rung in enumerate((1, 2, 3)):
        for trial, parent in ((number, number - 1), (number + 3, number + 2)):
            store._db.execute("update trial set rung_epochs = ?, parent = ? where number = ?", (rung, parent if number else None, trial))
    store._db.execute("update trial set state = 'FAILED', score = null where number = 5")
    found = standing(store)
    assert [(entry.values["model.units"], entry.epochs, entry.seconds) for entry in found.entries] == [(12, 3, 4.5), (14, 2, 3.75)]
    assert found.ranks == ["1", "1"], "of other epochs"
    assert len(found.trials) == 6


def test_a_study_of_schema_1_says_what_its_files_hold(sweep: Callable[..., Store]) -> None:
    store = sweep("1", "3f2a", "model.units=12,14", "seed=1,2")
    store._db.execute("update trial set config_hash = null, data_digest = null, code = null, packages = null, configuration = null")
    store.describe(data_digest="91ab", base_config="hydra: {runtime: {choices: {optimizer: rmsprop, model: two_layer, data: digits}}}")
    found = standing(store)
    assert [len(entry.trials) for entry in found.entries] == [2, 2] and found.keys == ["model.units"]
    trial = found.best
    assert trial.values["optimizer"] == "rmsprop" and trial.values["training.epochs"] == 20 and trial.values["seed"] == 1
    assert trial.origin.configuration and trial.origin.data == "91ab" and trial.origin.packages == "keras 3.12.0"
    assert len(trial.origin.code) == 64, "of commit and patch"
    new = sweep("2", "3f2a", "model.units=12,14", "seed=1,2")
    assert sorted(len(entry.trials) for entry in standing(store, new).entries) == [2, 2, 2, 2]


def test_a_study_without_files_says_that_it_is_not_known(sweep: Callable[..., Store], tmp_path: Path) -> None:
    stores = [sweep(name, "", "model.units=12", "optimizer.learning_rate=0.01,0.02") for name in ("1", "2")]
    for store in stores:
        store._db.execute("update trial set config_hash = null, packages = null")
        store.describe(commit="", versions="")
    for file in tmp_path.glob("*/*/.hydra/config.yaml"):
        file.unlink()
    found = standing(*stores)
    assert {found.origin(entry) for entry in found.entries} == {"not known: configuration, data, code, packages"}
    assert not any(map(standing(stores[0]).origin, standing(stores[0]).entries)), "of one sweep there is nothing to tell apart"


def test_a_stored_configuration_looks_nothing_up() -> None:
    assert parsed("seed: ${oc.env:HOME}\nnote: x", "here") == {"seed": "${oc.env:HOME}"}
