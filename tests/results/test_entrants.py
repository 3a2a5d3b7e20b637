"""Who races, on study files made here."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hydra.core.config_loader import ConfigLoader

from src.errors import ConfigError, TrialbookError
from src.objective import Objective
from src.results import entrants
from src.results.entrants import Entrants
from src.study.store import Store

ID = "20260101-000000-aaaa"
INSERT = (
    "insert into trial (number, overrides, active_hash, state, score, epochs, seconds, config_hash, configuration, data_digest, code,"
    " packages, rung_epochs) values (?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
Trial = tuple[dict[str, str], float | None]


@pytest.fixture
def choose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loader: ConfigLoader) -> Callable[..., Entrants]:
    """Makes a study and chooses from it."""
    monkeypatch.chdir(tmp_path)

    def made(*trials: Trial, top: int = 5, meta: dict[str, Any] | None = None, **columns: list[Any]) -> Entrants:
        path = tmp_path / "mlruns" / "sweeps" / ID
        path.mkdir(parents=True)
        facts = {"objective": "max:val_accuracy", "experiment": "digits", "validation_examples": "359", **(meta or {})}
        store = Store.create(path / "study.db", sweep_id=ID, **facts)
        for number, (point, score) in enumerate(trials):
            own = {name: values[number] for name, values in columns.items()}
            state, where = "FAILED" if score is None else "FINISHED", own.get("data", "")
            values = (
                number,
                json.dumps(point),
                f"{number}",
                state,
                score,
                3,
                1.5,
                *_identity(point),
                where,
                own.get("code", ""),
                "",
                own.get("rung"),
            )
            store._db.execute(INSERT, values)
        store.close()
        return entrants.choose("latest", top, loader, "")

    return made


def _identity(point: dict[str, str]) -> tuple[str, str]:
    values = {key: int(text) if text.isdecimal() else text for key, text in point.items()}
    return f"{ {key: value for key, value in values.items() if key not in ('seed', 'training.epochs')} }", json.dumps(values)


def trials(scores: dict[str, list[float | None]], key: str = "model.units", **more: str) -> list[Trial]:
    """Value of a key → score of each seed."""
    fixed = {name.replace("__", "."): text for name, text in more.items()}
    return [({**fixed, key: value, "seed": str(seed)}, one) for value, row in scores.items() for seed, one in enumerate(row, 1)]


UNITS: dict[str, list[float | None]] = {"8": [0.7, 0.71], "16": [0.8, 0.81], "32": [0.9, 0.91], "64": [0.85, 0.86]}


def test_the_best_and_the_defaults_race_and_what_they_share_is_said_once(choose: Callable) -> None:
    found = choose(*trials(UNITS, data="digits", optimizer="adam"), top=2)
    assert found.sweep == ID
    assert found.shared == ["data=digits", "optimizer=adam", "tracking.experiment=digits"]
    assert found.words == [["model.units=32"], ["model.units=64"], []]
    assert found.used_seeds == {1, 2} and found.fresh_seeds(20) == "range(3,23)" and found.resolution == 1 / 359


def test_more_than_there_are_and_failed_ones(choose: Callable) -> None:
    found = choose(*trials({"8": [None, None], "16": [0.8, None], "32": [0.9, 0.91]}), top=99)
    assert found.words == [["model.units=32"], ["model.units=16"], []]


@pytest.mark.parametrize(
    ("used", "count", "fresh"),
    [({1, 2, 42}, 20, "range(43,63)"), ({0}, 3, "range(1,4)"), ({2**32 - 1}, 3, "range(0,3)"), ({7, 2**32 - 2}, 20, "range(8,28)")],
)
def test_fresh_seeds_are_none_of_those_that_were_used(used: set[int], count: int, fresh: str) -> None:
    assert Entrants("", [], [], used, 0.0, Objective("val_accuracy", "max")).fresh_seeds(count) == fresh


def test_results_of_older_code_race_once_at_the_place_of_the_best(choose: Callable) -> None:
    rows = trials({"8": [0.9], "16": [0.8], "32": [0.7]})
    found = choose(*rows, ({"model.units": "8", "seed": "9"}, 0.1), code=["new", "new", "new", "old"], top=2)
    assert found.words == [["model.units=8"], ["model.units=16"], []]


def test_options_and_arguments_that_only_some_have(choose: Callable) -> None:
    points = [
        ({"optimizer": "adam", "+optimizer.clipnorm": "1", "seed": "1"}, 0.9),
        ({"optimizer": "sgd", "optimizer.momentum": "0.8", "seed": "1"}, 0.8),
    ]
    found = choose(*points)
    assert found.words == [["optimizer=adam", "+optimizer.clipnorm=1"], ["optimizer=sgd", "optimizer.momentum=0.8"], []]
    assert found.shared == ["tracking.experiment=digits"]


def test_an_argument_that_all_have_is_that_of_the_defaults_too(choose: Callable) -> None:
    found = choose(*trials({"8": [0.9], "16": [0.8]}, **{"+optimizer__clipnorm": "1"}))
    assert "+optimizer.clipnorm=1" in found.shared and found.words[-1] == []
    assert not [word for own in found.words for word in own if "clipnorm" in word]


def test_what_the_sweep_fixed_is_that_of_the_defaults_also_if_the_best_does_not_use_it(choose: Callable) -> None:
    rows = [({"model": "logistic_regression", "seed": "1"}, 0.9)]
    rows += [({"model": "one_layer", "training.epochs": "1", "optimizer": name, "seed": "1"}, 0.8) for name in ("sgd", "adam")]
    found = choose(*rows, meta={"space": {"fixed": [["training.epochs", 1]]}})
    assert found.words[-1] == ["training.epochs=1"]


def test_of_explicit_trials_what_one_has_is_no_default(choose: Callable) -> None:
    rows = [({"model.units": "8", "seed": "1"}, 0.9), ({"optimizer": "sgd", "seed": "1"}, 0.8)]
    assert choose(*rows, meta={"space": {"fixed": []}}).words == [["model.units=8"], ["optimizer=sgd"], []]


def test_epochs_that_an_oracle_chose_to_save_time_are_those_of_the_longest_rung(choose: Callable) -> None:
    rows = [({"model.units": units, "training.epochs": str(rung), "seed": "1"}, 0.9) for units, rung in (("8", 9), ("16", 3), ("32", 1))]
    found = choose(*rows, rung=[9, 3, 1])
    assert "training.epochs=9" in found.shared and found.words == [["model.units=8"], ["model.units=16"], ["model.units=32"], []]


@pytest.mark.parametrize("said", [True, False])
def test_objectives(choose: Callable, said: bool) -> None:
    """One that keeps other epochs is part of a configuration; the one of the sweep ranks."""
    rows = [({"model.units": "8", "seed": "1"}, 0.9), ({"model.units": "8", "objective": "min:val_loss", "seed": "1"}, 0.8)]
    meta = {"space": {"fixed": [["model.units", 8], *[["objective", "max:val_top3"]] * said]}}
    found = choose(*rows, meta=meta)
    assert ["objective='max:val_top3'"] * said == [word for word in found.shared if "objective" in word]
    assert found.words[:2] == [["objective=auto"] * said, ["objective=min:val_loss"]]


def test_a_fold_that_all_have_is_kept_and_folds_are_refused(choose: Callable) -> None:
    found = choose(*trials({"8": [0.9, 0.91], "16": [0.8, 0.81]}, data__folds="5", data__fold="2"))
    assert {"data.folds=5", "data.fold=2"} <= set(found.shared)


@pytest.mark.parametrize(
    ("rows", "columns", "why"),
    [
        (trials({"0": [0.9], "1": [0.8]}, key="data.fold"), {}, "repeated by folds .data.fold=0,1., of which none is fresh"),
        (trials({"8": [None]}), {}, "no finished trial; expected scores on one data set"),
        (trials({"8": [0.8, 0.9]}), {"data": ["aa", "bb"]}, "scores on 2 data sets"),
    ],
)
def test_what_cannot_be_repeated_is_refused(rows: list[Trial], columns: dict[str, list[Any]], why: str, choose: Callable) -> None:
    with pytest.raises(ConfigError, match=why):
        choose(*rows, **columns)


class Registered:
    """A registry with a champion."""

    tags: dict[str, str]

    def __init__(self, _: str) -> None:
        pass

    def champion_tags(self, _: str) -> dict[str, str]:
        if not self.tags:
            raise TrialbookError("no answer")
        return self.tags


@pytest.mark.parametrize(
    ("tags", "races"),
    [
        ({"trialbook.data_digest": "aa", "trialbook.overrides": "model.units=99 seed=7 objective=min:val_loss"}, True),
        ({"trialbook.data_digest": "bb", "trialbook.overrides": "model.units=99 seed=7"}, False),
        ({"trialbook.data_digest": "aa", "trialbook.overrides": "model.unots=99 seed=7"}, False),
        ({"trialbook.data_digest": "aa"}, False),
        ({}, False),
    ],
)
def test_the_champion_of_the_same_data_races(tags: dict[str, str], races: bool, choose: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Registered, "tags", tags, raising=False)
    monkeypatch.setattr("src.tracking.registry.Registry", Registered)
    found = choose(*trials({"8": [0.9], "16": [0.8]}), data=["aa", "aa"])
    assert (["model.units=99", "objective=min:val_loss"] in found.words) == races
    assert (7 in found.used_seeds) == races
