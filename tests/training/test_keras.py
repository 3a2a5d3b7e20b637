"""The reference engine: order of examples, kept epoch, stopping, digits."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from src import trial
from src.config.paths import ROOT
from src.errors import Stop
from src.objective import Objective
from src.training.keras import batches, order

Compose = Callable[..., dict]


def run(config: dict, folder: Path, report: Callable = lambda *_: None) -> trial.Outcome:
    return trial.run(trial.Job(0, 1, config, folder), report)


def test_every_epoch_has_its_own_order_and_loses_no_example() -> None:
    found = list(batches(np.arange(10.0), np.arange(10), 4, seed=7).take(6).as_numpy_iterator())
    assert [len(x) for x, _ in found] == [4, 4, 2, 4, 4, 2]
    for epoch in (0, 1):
        seen = np.concatenate([y for _, y in found[3 * epoch : 3 * epoch + 3]])
        assert seen.tolist() == order(7, epoch, 10).tolist() == np.random.default_rng([7, epoch]).permutation(10).tolist()


@pytest.mark.parametrize("objective", ["val_accuracy", "min:val_loss"])
def test_the_kept_epoch_is_the_best_one(objective: str, compose: Compose, tmp_path: Path) -> None:
    outcome = run(
        compose(f"objective={objective}", "training.epochs=6", "optimizer.learning_rate=0.02", "training.patience=null"), tmp_path
    )
    kept, judged = int(outcome.metrics["kept/epoch"]), Objective.parse(objective)
    assert kept == judged.best_epoch(outcome.history[judged.name])
    for name, values in outcome.history.items():
        assert outcome.metrics[f"kept/{name}"] == values[kept - 1]


def test_keep_last_keeps_the_last_epoch(compose: Compose, tmp_path: Path) -> None:
    outcome = run(compose("training=fixed_epochs", "training.epochs=3", "optimizer.learning_rate=0.05"), tmp_path)
    assert outcome.metrics["kept/epoch"] == 3


def test_patience_stops_early_and_keeps_the_best(compose: Compose, tmp_path: Path) -> None:
    outcome = run(compose("training.epochs=60", "training.patience=2", "optimizer.learning_rate=0.02"), tmp_path)
    assert len(outcome.history["loss"]) == outcome.metrics["kept/epoch"] + 2 < 60


def test_a_non_finite_loss_fails_the_trial(compose: Compose, tmp_path: Path) -> None:
    outcome = run(compose("optimizer.learning_rate=1e30", "training.epochs=3"), tmp_path)
    assert outcome.state == "FAILED"
    assert "loss is nan after epoch 1" in outcome.cause.replace("inf", "nan")
    assert b"TrialError" in outcome.files["traceback.txt"]


def test_report_may_stop_a_trial(compose: Compose, tmp_path: Path) -> None:
    def report(epoch: int, metrics: dict[str, float]) -> None:
        if epoch == 2:
            raise Stop("enough")

    assert run(compose("training.epochs=5"), tmp_path, report).state == "KILLED"


def test_a_users_own_callback_is_instantiated(compose: Compose, tmp_path: Path) -> None:
    reduce = "training.callbacks=[{_target_: keras.callbacks.ReduceLROnPlateau, monitor: val_loss, patience: 1}]"
    assert "learning_rate" in run(compose(reduce, "training.epochs=2"), tmp_path).history


def test_the_same_overrides_give_the_same_digits_in_two_processes(tmp_path: Path) -> None:
    code = (
        "import sys, json, hydra; from pathlib import Path; from omegaconf import OmegaConf\n"
        "from src import trial; from src.config.paths import CONF, TRIAL_KEYS\n"
        "with hydra.initialize_config_dir(str(CONF), version_base='1.3'):\n"
        "    config = hydra.compose('config', ['data=digits', 'training.epochs=3', 'model.dropout=0.3'])\n"
        "config = OmegaConf.to_container(OmegaConf.masked_copy(config, list(TRIAL_KEYS)), resolve=True)\n"
        "outcome = trial.run(trial.Job(0, 1, config, Path('.')), lambda *_: None)\n"
        "print(json.dumps(outcome.history))"
    )
    histories = [
        json.loads(
            subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
        )
        for _ in range(2)
    ]
    assert histories[0] == histories[1]
    assert len(histories[0]["loss"]) == 3
