"""The contract of every file of conf/training/."""

from collections.abc import Callable
from pathlib import Path

import pytest

from src import trial
from tests.conftest import options

TRAINING = options("training")


def test_all_options_are_found() -> None:
    assert len(TRAINING) >= 2


@pytest.mark.parametrize("name", TRAINING)
def test_contract(name: str, compose: Callable[..., dict], tmp_path: Path) -> None:
    outcome = trial.run(trial.Job(0, 1, compose(f"training={name}"), tmp_path), lambda *_: None, lambda: None)
    assert outcome.state == "FINISHED", outcome.cause
    assert outcome.metrics["kept/epoch"] == 1
