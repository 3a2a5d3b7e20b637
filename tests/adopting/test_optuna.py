"""Old results of Optuna, in storages that Optuna itself writes, become a study that goes on."""

import csv
import io
import logging
import re
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from src.adopting import optuna_storage
from src.errors import ConfigError
from src.objective import Objective
from src.states import TrialState
from tests.adopting.conftest import study
from tests.adopting.test_kerastuner import next_command
from tests.conftest import Command, runs_of

optuna = pytest.importorskip("optuna")
HEIGHT = Objective("height", "min")


def descent(trial: Any) -> float:
    """Trial 3 is pruned, trial 4 fails, trial 5 fails before it has all values."""
    rate = trial.suggest_float("rate", 1e-3, 1.0, log=True)
    if trial.number == 5:
        raise ValueError("early")
    units, kind = trial.suggest_int("units", 32, 96, step=32), trial.suggest_categorical("kind", ["plain", "odd"])
    for step in range(3):
        trial.report(rate + units - step if step else float("nan"), step)
    if trial.number == 3:
        raise optuna.TrialPruned
    if trial.number == 4:
        raise ValueError("late")
    return rate + units / 1000 + (kind == "odd")


def searched(file: Path, *names: str, trials: int = 8, directions: tuple[str, ...] = ("minimize",), body: Callable = descent) -> Path:
    """Makes a storage with studies."""
    optuna.logging.set_verbosity(logging.ERROR)
    for name in names or ("mine",):
        made = optuna.create_study(
            storage=f"sqlite:///{file}", study_name=name, directions=directions, sampler=optuna.samplers.RandomSampler(1)
        )
        made.optimize(body, n_trials=trials, catch=(ValueError,))
    return file


def test_bayesian_goes_on_from_them(command: Command, added: dict[str, str], store_uri: str, tmp_path: Path) -> None:
    file = searched(tmp_path / "optuna.db")
    stored = file.read_bytes()
    old = [trial for trial in optuna.load_study(study_name="mine", storage=f"sqlite:///{file}").trials if trial.values]
    done = command("src.adopt", "results=sqlite:///optuna.db", "sweeps=hill", "oracle.max_trials=12", **added)
    assert done.returncode == 0 and "WARNING" not in done.stdout, done.stdout + done.stderr
    assert "7 old trials" in done.stdout and "left out: 1 trial that failed before it had all values" in done.stdout
    assert "1 x FAILED pruned by Optuna after step 2" in done.stdout and "1 x FAILED failed in Optuna" in done.stdout
    assert file.read_bytes() == stored
    table = list(csv.DictReader(io.StringIO(command("src.compare", "format=csv", **added).stdout)))
    finished = [trial for trial in old if trial.state.name == "COMPLETE"]
    assert [float(row["height"]) for row in table if row["height"]] == sorted(trial.value for trial in finished)
    assert study(tmp_path, "select distinct kept_epoch from trial where state = 'FINISHED'") == [(3,)], "steps count from 1 here"
    assert study(tmp_path, "select distinct epoch from epoch order by epoch") == [(2,), (3,)], "the first value is not finite"
    took = study(tmp_path, "select seconds, started, ended from trial where number = 0")[0]
    first = old[0]
    assert took == pytest.approx((first.duration.total_seconds(), first.datetime_start.timestamp(), first.datetime_complete.timestamp()))

    again = command(*next_command(done.stdout), **added)
    assert again.returncode == 1 and "Traceback" not in again.stderr, again.stdout + again.stderr
    assert study(tmp_path, "select count(*), count(distinct active_hash) from trial") == [(12, 12)]

    runs = [run for run in runs_of(store_uri, "hill") if run.data.tags.get("trialbook.adopted", "").endswith("optuna.db mine")]
    trials = {int(run.data.tags["trialbook.trial"]): run for run in runs if run.data.tags["trialbook.kind"] == "trial"}
    assert len(trials) == 7
    assert trials[0].info.start_time == int(1000 * first.datetime_start.timestamp())
    assert trials[0].info.end_time == int(1000 * first.datetime_complete.timestamp())
    assert trials[0].data.metrics["height"] == first.intermediate_values[2] and trials[0].data.metrics["kept/height"] == first.value


def test_a_grid_does_not_repeat_them_and_repeats_are_told(command: Command, added: dict[str, str], tmp_path: Path) -> None:
    def choices(trial: Any) -> float:
        value = trial.suggest_categorical("rate", [0.01, 0.1, 1]), trial.suggest_int("units", 32, 96, step=32)
        trial.suggest_categorical("kind", ["plain"])
        return value[0] + value[1] + trial.number

    searched(tmp_path / "optuna.db", trials=12, body=choices)
    done = command("src.adopt", "results=optuna.db", "sweeps=listed", "trial.kind=plain", **added)
    [(distinct,)] = study(tmp_path, "select count(distinct active_hash) from trial")
    assert distinct < 12 and f"{12 - distinct} of them repeat" in done.stdout, done.stdout + done.stderr
    again = command(*next_command(done.stdout), **added)
    assert again.returncode == 0, again.stdout + again.stderr
    assert study(tmp_path, "select count(*), count(distinct active_hash) from trial") == [(12 + 9 - distinct, 9)]


def test_one_of_several_studies_is_named(tmp_path: Path) -> None:
    file = searched(tmp_path / "optuna.db", "one", "two", trials=2)
    assert len(optuna_storage.read(file, HEIGHT, "two").trials) == 2
    with pytest.raises(ConfigError, match=r"study=: which one\? Studies: one, two"):
        optuna_storage.read(file, HEIGHT)
    with pytest.raises(ConfigError, match=r"study=tow: no such study; did you mean 'two'\?"):
        optuna_storage.read(file, HEIGHT, "tow")


@pytest.mark.parametrize(
    ("directions", "said"),
    [
        (("minimize", "maximize"), "study=mine: it has 2 objectives; expected a study with one"),
        (("maximize",), "the study 'mine' is to maximize its value; expected max:NAME"),
    ],
)
def test_another_objective_is_refused(directions: tuple[str, ...], said: str, tmp_path: Path) -> None:
    file = searched(tmp_path / "optuna.db", directions=directions, body=lambda _: (1.0,) * len(directions), trials=2)
    assert said in optuna_storage.read(file, HEIGHT).mistakes[0]


def test_trials_that_have_not_ended_are_left_out(tmp_path: Path) -> None:
    file = searched(tmp_path / "optuna.db", trials=1)
    again = optuna.load_study(study_name="mine", storage=f"sqlite:///{file}")
    again.ask()
    again.enqueue_trial({"rate": 0.5})
    past = optuna_storage.read(file, HEIGHT)
    assert len(past.trials) == 1 and past.left_out == {"that was running": 1, "that never started": 1}


def test_steps_that_count_from_one_stay(tmp_path: Path) -> None:
    def body(trial: Any) -> float:
        trial.report(2.0, 1)
        trial.report(1.0, 4)
        return 0.5

    [trial] = optuna_storage.read(searched(tmp_path / "optuna.db", trials=1, body=body), HEIGHT).trials
    assert trial.history == {1: {"height": 2.0}, 4: {"height": 1.0}}
    assert (trial.state, trial.score, trial.kept_epoch) == (TrialState.FINISHED, 0.5, 4)


def test_other_files_are_not_touched(tmp_path: Path, store_uri: str) -> None:
    store = tmp_path / "mlruns" / "mlflow.db"
    before = store.read_bytes()
    with pytest.raises(ConfigError, match="it has no table studies, trials, version_info"):
        optuna_storage.read(store, HEIGHT)
    assert store.read_bytes() == before
    (tmp_path / "text.db").write_text("text" * 1000)
    with pytest.raises(ConfigError, match="it is no SQLite file"):
        optuna_storage.read(tmp_path / "text.db", HEIGHT)


def test_a_damaged_storage_is_no_traceback(tmp_path: Path) -> None:
    file = searched(tmp_path / "optuna.db", trials=2)
    with sqlite3.connect(file) as db:
        db.execute('update trial_params set distribution_json = \'{"name": "os.system", "attributes": {}}\'')
    with pytest.raises(ConfigError, match="Optuna cannot read it"):
        optuna_storage.read(file, HEIGHT)


def test_without_optuna(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = searched(tmp_path / "optuna.db", trials=1)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match=re.escape("is not installed; expected: pip install optuna")):
        optuna_storage.read(file, HEIGHT)


def test_no_pickle_is_read() -> None:
    """What Optuna reads of a storage is JSON: neither the storage nor a study unpickles anything."""
    folder = Path(optuna.__file__).parent
    for part in ("storages/_rdb", "study", "distributions.py", "trial"):
        for file in [folder / part] if part.endswith(".py") else (folder / part).rglob("*.py"):
            assert "import pickle" not in file.read_text(), file
