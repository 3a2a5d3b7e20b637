"""What somebody asks of a running sweep from elsewhere, with stub trials."""

from collections.abc import Callable
from pathlib import Path

import pytest

from src.errors import Stop
from src.running.bookkeeping import _reopened
from src.running.interruption import Interruption
from src.study.instructions import CANCEL, STOP
from src.study.store import Store
from src.trial import Job, Outcome
from tests.running.conftest import Driven, units
from tests.running.test_resume import WORDS, asked, compose, store

__all__ = ["asked", "store"]  # fixtures


@pytest.mark.parametrize(
    ("kind", "asks", "states", "code"),
    [
        (STOP, {"now": False}, ["FINISHED", "FINISHED"], 130),
        (STOP, {"now": True}, ["FINISHED", "KILLED"], 130),
        (CANCEL, {"trial": 1}, ["FINISHED", "KILLED", "FINISHED"], 0),
        (CANCEL, {"trial": 0}, ["FINISHED", "FINISHED", "FINISHED"], 0),
    ],
)
def test_a_sweep_hears_while_a_trial_runs(kind: str, asks: dict, states: list[str], code: int, driven: Driven, tmp_path: Path) -> None:
    def told(job: Job, report: Callable, check_stop: Callable) -> Outcome:
        if job.number == 1:
            Store.reopen(tmp_path / "study.db").instruct(kind, **asks)
            try:
                check_stop()
            except Stop as stop:
                return Outcome("KILLED", cause=str(stop))
        return units(job, report, check_stop)

    interruption = Interruption()
    driver = driven.run(told, "model.units=12,14,16", interruption=interruption)
    assert [trial.state for trial in driver.recorder.store.trials()] == states
    assert interruption.code == code and driver.recorder.store.unheard(STOP, CANCEL) == []


def test_a_sweep_that_goes_on_does_not_obey_what_was_asked_before(asked: Callable, store: Store, driven: Driven) -> None:
    store.instruct(STOP, now=True)
    store.instruct(CANCEL, trial=0)
    point = store.instruct("add", point={})
    store.close()
    again = _reopened(asked(*WORDS), lambda words: compose(driven, words))
    assert again.unheard(STOP, CANCEL) == [] and [one.id for one in again.unheard("add")] == [point]
