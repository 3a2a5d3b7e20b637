"""The contract of an executor."""

from pathlib import Path

import pytest

from src.executors.inline import Inline
from src.trial import Job, Outcome


def stub(job: Job, report, alive) -> Outcome:
    alive()
    for epoch in (1, 2):
        report(epoch, {"val_accuracy": job.number + epoch / 10})
    return Outcome("FINISHED", {"kept/val_accuracy": float(job.number)})


@pytest.mark.parametrize("executor", [Inline])
def test_events_come_in_order_and_only_in_wait(executor: type, tmp_path: Path) -> None:
    events: list[tuple] = []
    running = executor(
        lambda *event: events.append(event), lambda number, outcome: events.append((number, outcome.state)), lambda: None, stub
    )
    running.submit(Job(3, 1, {}, tmp_path))
    assert not events
    running.wait(None)
    assert events == [(3, 1, {"val_accuracy": 3.1}), (3, 2, {"val_accuracy": 3.2}), (3, "FINISHED")]
    running.close()
    assert (tmp_path / "trial.log").exists()
