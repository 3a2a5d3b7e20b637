"""What somebody asks of a running sweep from elsewhere, with stub trials."""

from collections.abc import Callable
from pathlib import Path

import pytest

from src.job import Job, Outcome
from src.running.bookkeeping import _reopened
from src.running.interruption import Interruption
from src.study.instructions import ADD, CANCEL, STOP
from src.study.store import Store
from tests.running.conftest import Driven, asking, units
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
    def ask() -> None:
        Store.reopen(tmp_path / "study.db").instruct(kind, **asks)

    interruption = Interruption()
    driver = driven.run(asking(ask), "model.units=12,14,16", interruption=interruption)
    assert [trial.state for trial in driver.recorder.store.trials()] == states
    assert interruption.code == code and driver.recorder.store.unheard(STOP, CANCEL) == []


def test_a_sweep_that_goes_on_does_not_obey_what_was_asked_before(asked: Callable, store: Store, driven: Driven) -> None:
    store.instruct(STOP, now=True)
    store.instruct(CANCEL, trial=0)
    point = store.instruct("add", point={})
    store.close()
    again = _reopened(asked(*WORDS), lambda words: compose(driven, words))
    assert again.unheard(STOP, CANCEL) == [] and [one.id for one in again.unheard("add")] == [point]


@pytest.mark.parametrize(("point", "count"), [({"data": "digits", "model.units": "16"}, 3), ({"data": "digits", "model.units": "20"}, 4)])
def test_an_added_point_is_the_next_trial_and_runs_once(point: dict[str, str], count: int, driven: Driven, tmp_path: Path) -> None:
    def adding(job: Job, report: Callable, check_stop: Callable) -> Outcome:
        if job.number == 0:
            Store.reopen(tmp_path / "study.db").instruct(ADD, point=point)
        return units(job, report, check_stop)

    store = driven.run(adding, "model.units=12,14,16").recorder.store
    rows = store.trials()
    assert len(rows) == count and rows[1].point == point and rows[1].state == "FINISHED"
    assert store.unheard(ADD) == [] and store.added() == [point]


def test_a_point_whose_trial_began_before_a_crash_is_not_added_twice(driven: Driven, tmp_path: Path) -> None:
    def adding(job: Job, report: Callable, check_stop: Callable) -> Outcome:
        if job.number == 0:
            Store.reopen(tmp_path / "study.db").instruct(ADD, point={"data": "digits", "model.units": "12"})
        return units(job, report, check_stop)

    store = driven.run(adding, "model.units=12,14").recorder.store
    assert len(store.trials()) == 2 and store.unheard(ADD) == []
