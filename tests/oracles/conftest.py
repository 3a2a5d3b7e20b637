"""Oracles of conf/oracle/ driven to their end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from omegaconf import OmegaConf

from src import oracles
from src.config.paths import CONF
from src.objective import Objective
from src.oracles import Oracle, Proposal
from src.space import Point, Space

OBJECTIVE = Objective("val_accuracy", "max")
Score = Callable[[Point], float | None]


def create(space: Space, name: str, **settings: Any) -> Oracle:
    """The oracle of conf/oracle/<name>.yaml with some settings changed."""
    node: dict[str, Any] = OmegaConf.to_container(OmegaConf.load(CONF / "oracle" / f"{name}.yaml"))  # type: ignore[assignment]
    return oracles.create(space, OBJECTIVE, {"name": name, **node, **settings})


def score(point: Point) -> float:
    """A smooth function with its best at a learning rate of 10⁻² and many units."""
    from math import log10

    rate, units = float(point.get("optimizer.learning_rate", 0.001)), int(point.get("model.units", 100))
    return 0.9 - 0.1 * (log10(rate) + 2) ** 2 + units / 10000 + int(point.get("training.epochs", 20)) / 1000


@dataclass
class Driven:
    """What an oracle proposed."""

    oracle: Oracle
    proposals: list[Proposal] = field(default_factory=list)
    scores: dict[int, float | None] = field(default_factory=dict)

    @property
    def points(self) -> list[Point]:
        return [proposal.point for proposal in self.proposals]

    def run(self, score: Score = score, in_flight: int = 1, most: int = 1000) -> "Driven":
        """Asks and tells until the oracle has nothing more; of the trials in flight the oldest ends first."""
        running: list[int] = []
        while len(self.proposals) < most:
            proposal = self.oracle.ask(len(self.proposals)) if len(running) < in_flight else None
            if proposal:
                running.append(len(self.proposals))
                self.proposals.append(proposal)
            elif running:
                self._tell(running.pop(0), score)
            else:
                break
        for number in running:
            self._tell(number, score)
        return self

    def _tell(self, number: int, score: Score) -> None:
        self.scores[number] = score(self.proposals[number].point)
        self.oracle.tell(number, self.scores[number])


@pytest.fixture
def drive(space: Callable[..., Space]) -> Callable[..., Driven]:
    """Name of an oracle, the words behind -m, settings → an oracle to be driven."""
    return lambda name, *words, **settings: Driven(create(space(*words), name, **settings))
