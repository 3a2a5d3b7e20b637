"""How many lanes of a fused program are in use, epoch by epoch, while a sweep runs: with lanes that train nothing."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from src import oracles, trial
from src.errors import Cancelled
from src.executors import Listener, batch
from src.executors.fused import Fused
from src.job import Job, Outcome
from src.objective import Objective
from src.space import Space

OBJECTIVE = Objective("val_accuracy", "max")
SPACE = ("data=digits", "optimizer.learning_rate=tag(log,interval(1e-4,1e-1))")
ASHA = {
    "_target_": "src.oracles.asha.Asha",
    "max_trials": 300,
    "max_epochs": 27,
    "min_epochs": 1,
    "factor": 3,
    "sampler": "random",
    "seed": 0,
}
RANDOM = {"_target_": "src.oracles.random.Random", "max_trials": 100, "seed": 0}
LANES = 8


@dataclass
class Lane:
    """Stands in for a trial that is trained in a stack; its accuracy grows faster at some learning rates than at others."""

    job: Job
    callbacks: tuple[Callable, Callable]
    epochs: int = 0
    done: bool = False
    model: None = None
    has_callbacks: bool = False

    def begin(self, data: Any) -> None:
        assert not self.done

    def needs_state(self, metrics: None) -> bool:
        return False

    def end(self, metrics: None, read: Callable) -> None:
        report, check_stop = self.callbacks
        self.epochs += 1
        report(self.epochs, {})
        try:
            check_stop()
            self.done = self.epochs == self.job.config["epochs"]
        except Cancelled:
            self.done = True

    def restore_kept(self) -> None:
        pass

    def fitted(self, metrics: None) -> SimpleNamespace:
        return SimpleNamespace(history={}, kept_epoch=1, score=1 - math.exp(-self.epochs * float(self.job.config["rate"])))


@dataclass
class Sweep:
    """A sweep over fused lanes.

    Attributes:
        used: how many lanes were in use in each epoch.
        left: True for each epoch after which the oracle had nothing more to propose.
    """

    oracle: oracles.Oracle
    cancels: Callable[[int, int], bool] = lambda number, epoch: False
    epochs_of: Callable[[int], int] = lambda number: 9
    used: list[int] = field(default_factory=list)
    dry: list[bool] = field(default_factory=list)

    def run(self) -> "Sweep":
        executor, running, begun = Fused(trial.run, workers=LANES), set[int](), 0

        def epoch(number: int, epoch: int, metrics: dict[str, float]) -> None:
            if self.cancels(number, epoch):
                executor.cancel(number)

        def end(number: int, outcome: Outcome) -> None:
            running.remove(number)
            self.oracle.tell(number, outcome.metrics["kept/val_accuracy"])

        executor.listener = Listener(epoch, end, lambda *_: None, lambda: None)
        while True:
            while len(running) < executor.slots and (proposal := self.oracle.ask(begun)):
                epochs = (proposal.epochs or self.epochs_of(begun)) - proposal.initial_epoch
                config = {"epochs": epochs, "rate": proposal.point["optimizer.learning_rate"]}
                running.add(begun)
                executor.submit(Job(begun, 1, config, Path()))
                begun += 1
            if not running:
                return self
            self.dry.append(len(running) < executor.slots)
            executor.wait(1.0)

    @property
    def share(self) -> float:
        """The share of the lane-epochs that were in use."""
        return sum(self.used) / (LANES * len(self.used))


@pytest.fixture
def sweep(space: Callable[..., Space], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Sweep]:
    """Settings of an oracle → a sweep that was run."""
    monkeypatch.setattr(Fused, "_stackable", lambda *_: True)
    monkeypatch.setattr(trial, "finish", lambda prepared, fitted, *_, **__: Outcome("FINISHED", {"kept/val_accuracy": fitted.score}))

    def prepare(self: Fused, job: Job) -> bool:
        lane = Lane(job, self.callbacks(job.number))
        self._waiting.append(batch.Member(job, SimpleNamespace(data=None, model=SimpleNamespace(name="")), lane, "one"))
        return True

    monkeypatch.setattr(Fused, "_prepare", prepare)

    def ran(settings: dict[str, Any], **how: Callable) -> Sweep:
        made = Sweep(oracles.create(space(*SPACE), OBJECTIVE, settings), **how)

        def epoch(orders: dict[int, None]) -> dict[int, None]:
            made.used.append(len(orders))
            return orders

        stack = SimpleNamespace(lanes=LANES, put=lambda *_: None, epoch=epoch, evaluate=lambda models: models, read=lambda lanes: {})
        monkeypatch.setattr(Fused, "_batch_of", lambda self, group: batch.Batch("one", stack, [""] * LANES))
        return made.run()

    return ran


@pytest.mark.parametrize(
    ("settings", "how"),
    [
        pytest.param(ASHA, {}, id="rungs of asha"),
        pytest.param(RANDOM, {"epochs_of": lambda number: 1 + number * 7 % 9}, id="trials that stop early"),
        pytest.param(RANDOM, {"cancels": lambda number, epoch: epoch == 1 + number % 5}, id="trials that are cancelled"),
    ],
)
def test_a_lane_that_a_trial_leaves_is_filled_in_the_next_epoch(settings: dict[str, Any], how: dict[str, Any], sweep: Callable) -> None:
    """As long as the oracle proposes something every lane is in use; only at the end of the sweep some are free."""
    ran = sweep(settings, **how)
    assert all(used == LANES for used, dry in zip(ran.used, ran.dry, strict=True) if not dry)
    print(json.dumps({"share of lane-epochs in use": round(ran.share, 3), "epochs": len(ran.used)}))
    assert ran.share >= 0.9
