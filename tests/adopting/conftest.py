"""A function to sweep, the sweeps that name its keys, and old results of the same keys: of KerasTuner and of Optuna themselves."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import overlay

HILL = """_target_: src.trials.hill.run
objective: min:height
uses: []
rate: 0.01
units: 32
kind: plain
momentum: 0.0
"""
RUN = '''"""A hill with a known height."""


def run(config, report):
    own = config["trial"]
    return abs(own["rate"] - 0.03) + own["units"] / 1000 + own["momentum"]
'''
HEAD = """# @package _global_
# Where is the hill lowest?
defaults:
  - override /trial: {trial}
  - override /oracle: {oracle}
hydra:
  mode: MULTIRUN
  sweeper:
    params:
      trial.rate: {rate}
      trial.units: [32, 64, 96]
"""
SEARCH = "tag(log,interval(1e-3,1))"
SWEEPS = {
    "hill": HEAD.format(trial="hill", oracle="bayesian", rate=SEARCH) + "      trial.kind: [plain, odd]\n",
    "listed": HEAD.format(trial="hill", oracle="grid", rate="1e-2,0.10,1") + "      trial.kind: [plain, odd]\n",
    "brackets": HEAD.format(trial="trained", oracle="hyperband", rate=SEARCH) + "      trial.kind: [plain, odd]\n",
}


@pytest.fixture
def added(tmp_path: Path) -> dict[str, str]:
    """The environment in which the commands find the function and its sweeps."""
    options = {"trial/hill.yaml": HILL, "trial/trained.yaml": HILL.replace("uses: []", "uses: [training]")}
    return overlay(tmp_path, {"hill": RUN}, options | {f"sweeps/{name}.yaml": content for name, content in SWEEPS.items()})


Trial = Callable[[Any], Any]


def height(hp: Any) -> float:
    """What old trials obtained."""
    return abs(hp.get("rate") - 0.03) + hp.get("units") / 1000


def declare(hp: Any) -> None:
    hp.Float("rate", 1e-3, 1.0, sampling="log")
    hp.Int("units", 32, 96, step=32)
    hp.Choice("kind", ["plain", "odd"])
    hp.Fixed("momentum", 0.0)


def numbers(hp: Any) -> float:
    """A trial that returns a number; some fail."""
    declare(hp)
    if hp.get("units") == 64:
        raise ValueError(f"no hill with {hp.get('units')}")
    return height(hp)


def listed(hp: Any) -> float:
    """A trial of a search among listed values."""
    hp.Choice("rate", [0.01, 0.1, 1.0])
    hp.Int("units", 32, 96, step=32)
    hp.Choice("kind", ["plain", "odd"])
    return height(hp)


def epochs(hp: Any) -> list[Any]:
    """A trial that trained twice for three epochs, of which the second is the best."""
    import keras

    declare(hp)
    histories = []
    for more in (0.0, 0.5):
        history = keras.callbacks.History()
        history.history = {"height": [9.0, height(hp) + more, 8.0], "gap": [float("nan"), float("nan"), 1.0], "loss": [3.0, 2.0, 1.0]}
        histories.append(history)
    return histories


def make_project(folder: Path, body: Trial, objective: str | None = "height", trials: int = 8, **settings: Any) -> Path:
    """Runs KerasTuner's random search, which writes a project folder."""
    import keras_tuner as kt

    class Tuner(kt.Tuner):
        def run_trial(self, trial: Any, *_: Any, **__: Any) -> Any:
            return body(trial.hyperparameters)

    oracle = kt.oracles.RandomSearchOracle(
        objective=kt.Objective(objective, "min") if objective else None,
        max_trials=trials,
        seed=3,
        max_consecutive_failed_trials=99,
        **settings,
    )
    tuner = Tuner(oracle=oracle, hypermodel=lambda _: None, directory=str(folder), project_name="project")
    tuner.search(verbose=1)
    return folder / "project"


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Old results of KerasTuner: numbers, some of which failed."""
    return make_project(tmp_path_factory.mktemp("numbers"), numbers)


@pytest.fixture(scope="session")
def project_with_epochs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Old results of KerasTuner: histories of Keras."""
    return make_project(tmp_path_factory.mktemp("epochs"), epochs, trials=3)


@pytest.fixture(scope="session")
def listed_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Old results of KerasTuner: values of a list."""
    return make_project(tmp_path_factory.mktemp("listed"), listed, objective=None, trials=5)


def states(project: Path) -> list[dict[str, Any]]:
    """What KerasTuner wrote, in the order of the trials."""
    return [json.loads(file.read_text()) for file in sorted(project.glob("trial_*/trial.json"))]


def study(folder: Path, question: str) -> list[tuple]:
    """Asks the study.db of the only sweep."""
    [file] = (folder / "mlruns" / "sweeps").glob("*/study.db")
    return sqlite3.connect(file).execute(question).fetchall()
