"""A listener that remembers, a pool of workers that train nothing, and a clock that only tests move."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from src.errors import Stop
from src.executors import Listener
from src.executors.handle import Died, WorkerHandle
from src.executors.pool import Pool
from src.executors.worker import Begun, Event
from src.job import Job, Outcome

if TYPE_CHECKING:
    from tests.executors.test_stateful import Days

SLOTS, MINUTES, MOST_TRIALS = 3, 1.0, 2
DEATH = "death"


@dataclass
class Heard:
    """What was called back."""

    events: list[tuple] = field(default_factory=list)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    stopping: bool = False
    on_epoch: Callable[[int], None] = lambda number: None

    @property
    def over(self) -> int:
        """How many trials have ended, or died."""
        return sum(len(event) == 2 for event in self.events)

    @property
    def listener(self) -> Listener:
        def end(number: int, outcome: Outcome) -> None:
            self.outcomes[number] = outcome
            self.events.append((number, outcome.state))

        def check_stop() -> None:
            if self.stopping:
                raise Stop("interrupted")

        def epoch(number: int, epoch: int, metrics: dict[str, float]) -> None:
            self.events.append((number, epoch, metrics))
            self.on_epoch(number)

        return Listener(epoch, end, lambda number, _: self.events.append((number, "died")), check_stop)


@dataclass
class Clock:
    """Stands in for the module `time`."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class Trial:
    """A job in flight: when it was heard to begin, the epochs that were called back, workers that died before it began."""

    begun: float | None = None
    epochs: int = 0
    deaths: int = 0
    asked: bool = False  # to stop, by a worker that died then
    cancelled: bool = False


@dataclass(eq=False)
class Fake(WorkerHandle):
    """A worker that does what it is told to; what it says waits until it is heard."""

    days: "Days | None" = None
    said: list[Any] = field(default_factory=list)
    epochs: int | None = None  # that it said of its trial; None before it begins
    dead: bool = False  # by itself, which is noticed when it is heard
    gone: bool = False
    asked_to_stop: float | None = None
    asked_alone: bool = False

    def send(self, job: Job) -> None:
        assert not self.gone and self.trials <= MOST_TRIALS
        assert self.dead or not self.said, "nothing of an earlier trial is left to be heard"
        assert not self.days.flying[job.number].asked
        self.epochs = self.asked_to_stop = None
        self.asked_alone = False

    def receive(self) -> Event:
        assert not self.gone
        event, trial = self.said.pop(0), self.days.flying[self.job.number]
        if event == DEATH:
            trial.deaths += trial.begun is None
            trial.asked = self.asked_to_stop is not None
            raise Died("killed")
        if event == Begun():
            trial.begun = self.days.clock.now
        return event

    def die(self) -> None:
        self.dead = True
        self.said.append(DEATH)

    def cancel(self, *, alone: bool) -> None:
        if alone:
            assert self.begun and self.days.flying[self.job.number].cancelled
            self.asked_alone = True
            return
        assert self.asked_to_stop is None, "it is asked once"
        self.asked_to_stop = self.days.clock.now

    def kill(self) -> None:
        assert not self.gone, "it is killed once"
        self.gone = True


@dataclass
class Fakes(Pool):
    """Where no worker says anything, the time passes at once."""

    days: "Days | None" = None

    def start(self, slot: int) -> WorkerHandle:
        assert slot in range(SLOTS)
        worker = Fake(slot, days=self.days)
        self.days.started.append(worker)
        if self.days.doomed:
            self.days.doomed -= 1
            worker.die()
        return worker

    def ready(self, workers: list[WorkerHandle], seconds: float) -> Iterable[WorkerHandle]:
        speaking = [worker for worker in workers if worker.said]  # type: ignore[attr-defined]
        self.days.clock.now += 0.0 if speaking else seconds
        return speaking
