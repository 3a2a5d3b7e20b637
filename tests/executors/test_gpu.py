"""The executors on a GPU."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from src.executors import machine

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not machine.gpus(), reason="skipped: no GPU")]


@pytest.mark.parametrize("executor", ["inline", "local executor.gpus_per_trial=0.5", "fused"])
def test_trials_train_on_the_gpu(executor: str, cold_command: Callable, tmp_path: Path) -> None:
    words = "data=digits seed=1,2,3 model.dropout=0.3 training=fixed_epochs training.epochs=20 optimizer=adam"
    done = cold_command("src.sweep", "-m", *words.split(), *f"executor={executor}".split())
    assert done.returncode == 0, done.stdout + done.stderr
    db = sqlite3.connect(next((tmp_path / "mlruns" / "sweeps").glob("*/study.db")))
    assert json.dumps(db.execute("select value from meta where key = 'device'").fetchone()) != '["CPU"]'
    assert all(score > 0.85 for (score,) in db.execute("select score from trial"))
