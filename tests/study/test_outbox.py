"""Messages to MLflow: in order, once, and never lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from src.errors import Refused, Unreachable
from src.oracles import Proposal
from src.study.instructions import CANCEL, STOP
from src.study.outbox import Outbox
from src.study.store import Message, Store
from tests.running.conftest import RememberingTracker
from tests.waiting import until

START = {"name": "x", "params": {}, "tags": {"trialbook.trial": "0"}}
END = {"state": "FINISHED", "metrics": {}, "tags": {}, "time": 0.0, "files": "none"}


class Flaky(RememberingTracker):
    """Does not answer the first few times."""

    def __init__(self, failures: int, error: type[Exception] = Unreachable) -> None:
        super().__init__()
        self.failures, self.error = failures, error

    def epochs(self, run_id: str, epochs: list[dict[str, Any]]) -> None:
        if self.failures:
            self.failures -= 1
            raise self.error("no answer")
        super().epochs(run_id, epochs)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "study.db")
    store.start_trial(0, Proposal({}), "hash", {}, Message(0, "start", START))
    for epoch in (1, 2, 3):
        store.epoch(0, epoch, {"loss": 1 / epoch})
    return store


@pytest.fixture
def outbox(store: Store, tmp_path: Path) -> Callable[[RememberingTracker], Outbox]:
    return lambda tracker: Outbox(store, tracker, lambda number: tmp_path / str(number))


def kinds(tracker: RememberingTracker) -> list[Any]:
    return [call[2].get("epoch", call[0]) for call in tracker.calls]


def test_in_order_and_once(store: Store, outbox: Callable, tmp_path: Path) -> None:
    tracker = RememberingTracker()
    box = outbox(tracker)
    store.post(Message(0, "end", {**END, "files": box.keep(0, {"model.h5": b"whole"})}))
    assert box.flush() == 0
    box.close()
    assert kinds(tracker) == ["start", 1, 2, 3, "end"] and tracker.calls[-1][2]["files"] == {"model.h5": b"whole"}
    assert store.run_id(0) == "run0" and not (tmp_path / "0" / "undelivered").exists()


def test_an_outage_delays(store: Store, outbox: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = Flaky(failures=1)
    box = outbox(tracker)
    assert box.flush() == 3 and box.outage == "no answer"
    until(lambda: not store.undelivered())
    box.close()
    assert kinds(tracker) == ["start", 1, 2, 3]


def test_what_did_not_arrive_is_delivered_by_the_next_process(store: Store, outbox: Callable) -> None:
    box = outbox(Flaky(failures=99))
    assert box.flush() == 3
    box.close()
    tracker = RememberingTracker()
    box = outbox(tracker)
    assert box.flush() == 0
    box.close()
    assert kinds(tracker) == [1, 2, 3]


def test_a_run_that_may_be_there_is_looked_for(store: Store, outbox: Callable) -> None:
    tracker = RememberingTracker()
    box = outbox(tracker)
    box.flush()
    store.start_trial(1, Proposal({}), "hash", {}, Message(1, "start", START))
    store.start_trial(
        0, Proposal({}), "hash", {}, Message(0, "start", {**START, "tags": {"trialbook.trial": "0", "trialbook.attempt": "2"}})
    )
    box.flush()
    box.close()
    assert [call[2]["again"] for call in tracker.calls if call[0] == "start"] == [True, False, True]


def test_a_start_whose_answer_was_lost_is_looked_for(store: Store, outbox: Callable) -> None:
    class LosesAnAnswer(RememberingTracker):
        def start(self, **run: Any) -> str:
            run_id = super().start(**run)
            if len([call for call in self.calls if call[0] == "start"]) == 2:
                raise Unreachable("cut off")
            return run_id

    tracker = LosesAnAnswer()
    box = outbox(tracker)
    store.start_trial(1, Proposal({}), "hash", {}, Message(1, "start", START))
    until(lambda: box.posted() or not store.undelivered())
    box.close()
    assert [call[2]["again"] for call in tracker.calls if call[0] == "start"] == [True, False, True]


def test_the_epochs_of_a_run_that_wait_are_one_call(store: Store, outbox: Callable) -> None:
    class Counted(RememberingTracker):
        batches: ClassVar[list[tuple[str, list[int]]]] = []

        def epochs(self, run_id: str, epochs: list[dict[str, Any]]) -> None:
            self.batches.append((run_id, [epoch["epoch"] for epoch in epochs]))

    store.start_trial(1, Proposal({}), "hash", {}, Message(1, "start", {**START, "tags": {"trialbook.trial": "1"}}))
    for number, epoch in ((1, 1), (0, 4), (1, 2)):
        store.epoch(number, epoch, {"loss": 0.1})
    store.post(Message(0, "end", END))
    box = outbox(Counted())
    assert box.flush() == 0
    box.close()
    assert Counted.batches == [("run0", [1, 2, 3, 4]), ("run1", [1, 2])]


def test_a_refusal_is_noted_and_holds_nothing_up(store: Store, outbox: Callable) -> None:
    tracker = Flaky(failures=2, error=ValueError)  # the epochs together, then the first of them
    box = outbox(tracker)
    assert box.flush() == 0
    box.close()
    assert kinds(tracker) == ["start", 2, 3] and store.refusals() == ["epoch: no answer"]


LEFT = {"state": None, "metrics": {}, "tags": {}, "params": {}, "time": 0.0, "files": "none"}
LEFT["epochs"] = [{"epoch": 1, "metrics": {"top@3": 0.5}}]


def test_the_run_of_a_sweep_is_not_its_own_parent(store: Store, outbox: Callable) -> None:
    tracker, sweep = RememberingTracker(), Message(None, "start", {**START, "tags": {"trialbook.trial": "sweep"}})
    for _ in range(2):  # the second time the sweep is resumed
        store.post(sweep)
        store.start_trial(1, Proposal({}), "hash", {}, Message(1, "start", START))
        box = outbox(tracker)
        assert box.flush() == 0
        box.close()
    parents = {(call[1], call[2]["parent"]) for call in tracker.calls if call[0] == "start"}
    assert {parent for run, parent in parents if run == "runsweep"} == {None} and ("run0", "runsweep") in parents


def test_what_is_left_of_a_refused_message_stays_and_can_be_offered_again(store: Store, outbox: Callable) -> None:
    class Strict(RememberingTracker):
        def start(self, **run: Any) -> str:
            run_id = super().start(**run)
            raise Refused("a@b: no such name", {**LEFT, "tags": {"a@b": "x"}}, run_id)

        def epochs(self, run_id: str, epochs: list[dict[str, Any]]) -> None:
            super().epochs(run_id, epochs)
            raise Refused("top@3: no such name", LEFT)

    tracker = Strict()
    store.post(Message(0, "end", END))
    box = outbox(tracker)
    assert box.flush() == 0 and store.waiting() == 0
    box.close()
    assert kinds(tracker) == ["start", 1, 2, 3, "end"] and tracker.calls[-1][2]["state"] == "FINISHED"
    assert store.refusals() == ["start: a@b: no such name", "epoch: top@3: no such name"] and store.run_id(0) == "run0"
    store.offer_again()
    assert store.waiting() == 2
    second = RememberingTracker()
    box = outbox(second)
    assert box.flush() == 0 and store.refusals() == []
    box.close()
    assert [(call[0], call[2]["state"]) for call in second.calls] == [("end", None), ("end", None)]
    assert second.calls[0][2]["tags"] == {"a@b": "x"} and second.calls[1][2]["epochs"] == LEFT["epochs"]


def test_files_that_were_refused_stay_and_those_that_arrived_go(store: Store, outbox: Callable, tmp_path: Path) -> None:
    class Full(RememberingTracker):
        def end(self, run_id: str, **end: Any) -> None:
            super().end(run_id, **end)
            raise Refused("model.h5: too large", {**LEFT, "files": end["folder"].name if end["tags"] else "none"})

    box = outbox(Full())
    for tags, name in (({"large": "yes"}, "model.h5"), ({}, "small.txt")):
        store.post(Message(0, "end", {**END, "tags": tags, "files": box.keep(0, {name: b"x"})}))
    assert box.flush() == 0
    box.close()
    assert [file.name for file in (tmp_path / "0" / "undelivered").glob("*/*")] == ["model.h5"]


def test_a_run_that_could_not_be_begun_is_told_whole_when_it_can(store: Store, outbox: Callable) -> None:
    class Deleted(RememberingTracker):
        def start(self, **run: Any) -> str:
            raise ValueError("the experiment is deleted")

    store.post(Message(0, "end", END))
    box = outbox(Deleted())
    assert box.flush() == 0
    box.close()
    assert len(store.refusals()) == 5 and store.refusals()[0] == "start: the experiment is deleted"
    store.offer_again()
    tracker = RememberingTracker()
    box = outbox(tracker)
    assert box.flush() == 0 and store.refusals() == []
    box.close()
    assert kinds(tracker) == ["start", 1, 2, 3, "end"]


class Tagged(RememberingTracker):
    """Somebody tags runs on MLflow's page."""

    def __init__(self, *runs: str) -> None:
        super().__init__()
        self.tagged, self.looks = set(runs), 0

    def stopped(self, is_mine: Callable[[str], bool]) -> list[str]:
        self.looks += 1
        mine = {run for run in self.tagged if is_mine(run)}
        self.tagged -= mine
        return sorted(mine)


def test_a_tag_instructs_the_driver_and_one_of_an_earlier_invocation_does_not(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.study.outbox.LISTENING", 0.01)
    tracker = Tagged("somebody else's")
    box = Outbox(store, tracker, lambda number: tmp_path / str(number), listens=True)
    assert box.flush() == 0
    store.describe(parent_run="parent")
    tracker.tagged |= {"run0", "parent"}
    until(lambda: len(store.unheard(STOP, CANCEL)) == 2)
    box.close()
    assert {(one.kind, str(one.payload)) for one in store.unheard(STOP, CANCEL)} == {(STOP, "{'now': False}"), (CANCEL, "{'trial': 0}")}
    store.withdraw(STOP, CANCEL)
    tracker = Tagged("run0")
    box = Outbox(store, tracker, lambda number: tmp_path / str(number), listens=True)
    until(lambda: tracker.looks > 1)
    box.close()
    assert tracker.tagged == set() and store.unheard(STOP, CANCEL) == []


def test_a_store_that_cannot_be_asked_for_tags_still_takes_records(store: Store, tmp_path: Path) -> None:
    box = Outbox(store, RememberingTracker(), lambda number: tmp_path / str(number), listens=True)  # it has no such method
    assert box.flush() == 0
    box.close()
