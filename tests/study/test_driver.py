"""The loop with stub trials: what is recorded when trials finish, fail and are interrupted."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hydra.core.config_loader import ConfigLoader
from hydra.types import RunMode

from src import oracles
from src.errors import Stop
from src.objective import Objective
from src.space import Space
from src.study import table
from src.study.driver import Driver
from src.study.store import Store
from src.terminal import Terminal
from src.trial import Job, Outcome

OBJECTIVE = Objective("val_accuracy", "max")


class Recorder:
    """A tracker that remembers its calls."""

    lost: list[str]

    def __init__(self) -> None:
        self.calls: list[tuple] = []

    def start(self, number, name, params, tags) -> str:
        self.calls.append(("start", number, name, params, tags))
        return f"run{number}"

    def epoch(self, number, epoch, metrics) -> None:
        self.calls.append(("epoch", number, epoch))

    def finish(self, number, outcome) -> None:
        self.calls.append(("finish", number, outcome))


@pytest.fixture
def drive(loader: ConfigLoader, space: Callable[..., Space], tmp_path: Path) -> Callable:
    def run(run_trial: Callable, *overrides: str) -> tuple[Store, Recorder, Driver]:
        asked, recorder, store = space("data=digits", *overrides), Recorder(), Store.create(tmp_path / "study.db")
        with Terminal(9, OBJECTIVE) as terminal:
            driver = Driver(
                oracles.create(asked, OBJECTIVE),
                store,
                recorder,
                terminal,
                lambda words: loader.load_configuration("config", words, RunMode.RUN),
                OBJECTIVE,
                asked.swept,
                lambda number: tmp_path / f"{number:05d}",
                run_trial,
            )
            with suppress(KeyboardInterrupt):
                driver.run()
        return store, recorder, driver

    return run


def units(job: Job, report: Callable) -> Outcome:
    report(1, {"val_accuracy": 0.5})
    if job.config["model"]["units"] == 13:
        return Outcome("FAILED", cause="RuntimeError: thirteen")
    score = job.config["model"]["units"] / 100
    return Outcome("FINISHED", {"kept/val_accuracy": score, "kept/epoch": 1}, {"val_accuracy": [score]}, 1.5)


def test_a_failing_trial_does_not_stop_the_sweep(drive: Callable) -> None:
    store, recorder, _ = drive(units, "model.units=12,13,14")
    trials = store.trials()
    assert [(trial["state"], trial["score"]) for trial in trials] == [("FINISHED", 0.12), ("FAILED", None), ("FINISHED", 0.14)]
    assert [trial["run_id"] for trial in trials] == ["run0", "run1", "run2"]
    assert trials[1]["cause"] == "RuntimeError: thirteen"
    ranked = table.ranked(trials, OBJECTIVE, ["model.units"])
    assert [(row["rank"], row["trial"], row["model.units"]) for row in ranked] == [(1, 2, "14"), (2, 0, "12"), (None, 1, "13")]
    assert [call[:2] for call in recorder.calls] == [(kind, number) for number in range(3) for kind in ("start", "epoch", "finish")]


def test_a_trial_is_told_what_repeats_it(drive: Callable, tmp_path: Path) -> None:
    _, recorder, _ = drive(units, "optimizer=sgd,adam", "model.units=8", "optimizer.momentum=0.5")
    _, number, name, params, tags = recorder.calls[0]
    assert (number, name) == (0, "optimizer=sgd")
    assert params["optimizer"] == "sgd" and params["optimizer.momentum"] == 0.5 and params["seed"] == 42 and params["data"] == "digits"
    assert not any("_target_" in key or "path" in key for key in params)
    assert tags["trialbook.overrides"] == "data=digits model.units=8 optimizer.momentum=0.5 optimizer=sgd"
    assert json.loads(json.dumps(tags)) == tags
    outcome = recorder.calls[2][2]
    assert b"optimizer=sgd" in outcome.files["overrides.yaml"] and b"momentum: 0.5" in outcome.files["config.yaml"]
    assert {file.name for file in (tmp_path / "00000" / ".hydra").iterdir()} == {"config.yaml", "hydra.yaml", "overrides.yaml"}
    second = next(call for call in recorder.calls if call[:2] == ("start", 1))
    assert second[4]["trialbook.overrides"] == "data=digits model.units=8 optimizer=adam"


def test_inactive_keys_are_no_parameters(drive: Callable) -> None:
    _, recorder, _ = drive(lambda job, report: Outcome("FINISHED", {"kept/val_accuracy": 0.5}), "model=logistic_regression")
    params = recorder.calls[0][3]
    assert params["model"] == "logistic_regression" and params["model.folds"] == 5
    assert not any(key.startswith(("optimizer", "training")) for key in params)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt])
def test_interrupted_what_ran_is_killed_and_what_finished_is_kept(drive: Callable, interruption: type) -> None:
    def interrupted(job: Job, report: Callable) -> Outcome:
        if job.number == 1:
            raise interruption
        return units(job, report)

    store, recorder, _ = drive(interrupted, "model.units=12,14,16")
    assert [trial["state"] for trial in store.trials()] == ["FINISHED", "KILLED"]
    assert recorder.calls[-1][0] == "finish" and recorder.calls[-1][2].state == "KILLED"


def test_a_stopped_trial_has_no_score(drive: Callable) -> None:
    def stopped(job: Job, report: Callable) -> Outcome:
        try:
            raise Stop("enough")
        except Stop as stop:
            return Outcome("KILLED", {"kept/val_accuracy": 0.9}, cause=str(stop))

    store, _, _ = drive(stopped, "model.units=8")
    assert [(trial["state"], trial["score"]) for trial in store.trials()] == [("KILLED", None)]
