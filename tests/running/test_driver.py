"""The loop with stub trials: what is recorded when trials finish, fail and are interrupted."""

import hashlib
import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from src.job import CHECKPOINT, Job, Outcome
from src.oracles import Proposal
from src.running.interruption import Interruption
from tests.running.conftest import LOCAL, Driven, asking, units


def test_a_failing_trial_does_not_stop_the_sweep(driven: Driven) -> None:
    trials = driven.run(units, "model.units=12,13,14").recorder.store.trials()
    assert [(trial.state, trial.score) for trial in trials] == [("FINISHED", 0.12), ("FAILED", None), ("FINISHED", 0.14)]
    assert [trial.run_id for trial in trials] == ["run0", "run1", "run2"]
    assert trials[1].cause == "RuntimeError: thirteen"
    assert [call[:2] for call in driven.tracker.calls] == [(kind, f"run{n}") for n in range(3) for kind in ("start", "epoch", "end")]


def test_a_trial_is_told_what_repeats_it(driven: Driven, tmp_path: Path) -> None:
    driven.run(units, "optimizer=sgd,adam", "model.units=8", "optimizer.momentum=0.5")
    _, _, run = driven.tracker.calls[0]
    params, tags = run["params"], run["tags"]
    assert run["name"] == "optimizer=sgd"
    assert params["optimizer"] == "sgd" and params["optimizer.momentum"] == 0.5 and params["seed"] == 42 and params["data"] == "digits"
    assert not any("_target_" in key or "path" in key for key in params)
    assert tags["trialbook.overrides"] == "data=digits model.units=8 optimizer.momentum=0.5 optimizer=sgd"
    assert json.loads(json.dumps(tags)) == tags
    files = driven.tracker.calls[2][2]["files"]
    assert b"optimizer=sgd" in files["overrides.yaml"] and b"momentum: 0.5" in files["config.yaml"]
    assert {file.name for file in (tmp_path / "00000" / ".hydra").iterdir()} == {"config.yaml", "hydra.yaml", "overrides.yaml"}
    second = next(call for call in driven.tracker.calls if call[:2] == ("start", "run1"))
    assert second[2]["tags"]["trialbook.overrides"] == "data=digits model.units=8 optimizer=adam"


def test_inactive_keys_are_no_parameters(driven: Driven) -> None:
    driven.run(lambda job, report, check_stop: Outcome("FINISHED", {"kept/val_accuracy": 0.5}), "model=logistic_regression")
    params = driven.tracker.calls[0][2]["params"]
    assert params["model"] == "logistic_regression" and params["model.engine.folds"] == 5
    assert not any(key.startswith(("optimizer", "training")) for key in params)


@pytest.mark.parametrize(
    ("signals", "states", "code"),
    [
        ([signal.SIGINT], ["FINISHED", "FINISHED"], 130),
        ([signal.SIGINT, signal.SIGINT], ["FINISHED", "KILLED"], 130),
        ([signal.SIGTERM], ["FINISHED", "KILLED"], 143),
        ([signal.SIGHUP], ["FINISHED", "KILLED"], 129),
    ],
)
def test_once_lets_the_running_trial_finish_twice_kills_it(driven: Driven, signals: list[int], states: list[str], code: int) -> None:
    def interrupt() -> None:
        for number in signals:
            os.kill(os.getpid(), number)

    interruption = Interruption()
    driver = driven.run(asking(interrupt), "model.units=12,14,16", interruption=interruption)
    assert [trial.state for trial in driver.recorder.store.trials()] == states
    assert [trial.attempts for trial in driver.recorder.store.trials()] == [int(state == "FINISHED") for state in states]
    assert interruption.code == code and driven.tracker.calls[-1][2]["state"] == states[-1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_killed_trial_has_no_score(driven: Driven) -> None:
    driver = driven.run(lambda job, report, check_stop: Outcome("KILLED", {"kept/val_accuracy": 0.9}, cause="enough"), "model.units=8")
    assert [(trial.state, trial.score) for trial in driver.recorder.store.trials()] == [("KILLED", None)]


def test_a_stop_rule_ends_the_sweep(driven: Driven) -> None:
    driver = driven.run(units, "model.units=12,14,16,18", rules={"target": 0.14})
    assert len(driver.recorder.store.trials()) == 2 and driver.rules.reason() == "stop.target=0.14"


def fatal(job: Job, report: Callable, check_stop: Callable) -> Outcome:
    """Takes its process with it: with 13 units always, with 14 once."""
    deaths = {"13": 9, "14": 1}
    if job.attempt <= deaths.get(str(job.config["model"]["units"]), 0):
        os.kill(os.getpid(), signal.SIGKILL)
    return units(job, report, check_stop)


def test_a_worker_that_dies_costs_an_attempt_of_its_trial(driven: Driven, capsys: pytest.CaptureFixture[str]) -> None:
    driver = driven.run(fatal, "model.units=12,13,14,15", executor=LOCAL)
    trials = driver.recorder.store.trials()
    assert [(trial.state, trial.attempts) for trial in trials] == [("FINISHED", 1), ("FAILED", 2), ("FINISHED", 2), ("FINISHED", 1)]
    assert trials[1].cause == "its process died, killed (out of memory?), 2 times"
    assert sorted(run for kind, run, _ in driven.tracker.calls if kind == "end") == ["run0", "run1", "run2", "run3"]
    assert "trial 3  model.units=14: its process died" in capsys.readouterr().out


def test_a_trial_carries_what_it_is_a_result_of(driven: Driven, tmp_path: Path) -> None:
    def on_data(job: Job, report: Callable, check_stop: Callable) -> Outcome:
        digest = "failed" if job.config["model"]["units"] == 13 else f"of {job.config['data']['split_seed']}"
        return replace(units(job, report, check_stop), facts={} if digest == "failed" else {"data_digest": digest, "threads": "1"})

    driven.tags = {"trialbook.code": "3f2a", "trialbook.versions": "python 3.12.1, keras 3.12.0, mlflow 3.6.0"}
    driver = driven.run(on_data, "optimizer.learning_rate=1e-2", "model.units=12,13", "data.split_seed=1,2")
    rows = driver.recorder.store.trials()
    assert [row.data_digest for row in rows] == ["of 1", "of 2", None, None]
    assert {(row.code, row.packages) for row in rows} == {("3f2a", "keras 3.12.0")}
    assert len({row.config_hash for row in rows}) == 4
    values = rows[0].configuration
    assert (values["optimizer"], values["optimizer.learning_rate"], values["seed"]) == ("rmsprop", 0.01, 42)
    assert driver.recorder.facts == {"threads": "1"}, "in which all trials agree"
    tags = driven.tracker.calls[0][2]["tags"]
    config = (tmp_path / "00000" / ".hydra" / "config.yaml").read_bytes()
    assert tags["trialbook.code"] == "3f2a" and tags["trialbook.sha256.config"] == hashlib.sha256(config).hexdigest()


def test_a_trial_that_goes_on_with_other_code_is_a_result_of_both(driven: Driven) -> None:
    driven.tags = {"trialbook.code": "3f2a"}
    driver = driven.run(units, "model.units=12")
    (driver.recorder.outbox.folder_of(0) / CHECKPOINT).write_bytes(b"half")
    driver.recorder.tags["trialbook.code"] = "77ab"
    driver.start(0, Proposal({"data": "digits", "model.units": "12"}))
    driver.start(1, Proposal({"data": "digits", "model.units": "14"}, parent=0))
    driver.start(2, Proposal({"data": "digits", "model.units": "16"}))
    assert [row.code for row in driver.recorder.store.trials()] == ["3f2a+77ab", "3f2a+77ab", "77ab"]
