"""Asks, tells and deaths in any order: an oracle that dies and resumes proposes what its twin does, which never died."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from src.oracles import KnownTrial, Proposal
from src.space import Space
from tests.oracles.conftest import create
from tests.oracles.test_oracles import BUDGETS, CASES

LONG = 20 if os.environ.get("TRIALBOOK_LONG") else 1
EXAMPLES = {"bayesian": 10, "hyperband": 8, "asha": 8}  # a Gaussian process is fitted twice for every ask
SETTINGS = {**BUDGETS, "bayesian": {"max_trials": 10, "initial_points": 2}}
SCORES = st.none() | st.integers(0, 20).map(lambda twentieths: twentieths / 20)  # with ties, and with infeasible trials


class Lives(RuleBasedStateMachine):
    """One oracle after the other, and what the study knows."""

    def __init__(self, name: str, space: Space) -> None:
        super().__init__()
        self.name, self.space = name, space
        self.oracle, self.twin = self.new(), self.new()
        self.proposals: list[Proposal] = []
        self.identities: set[str] = set()
        self.scores: dict[int, float | None] = {}
        self.state = ""

    def new(self) -> Any:
        return create(self.space, self.name, **SETTINGS[self.name])

    @property
    def running(self) -> list[int]:
        return [number for number in range(len(self.proposals)) if number not in self.scores]

    @property
    def infeasible(self) -> bool:
        return None in self.scores.values()

    def kept(self) -> None:
        """The study keeps the state with each trial that starts or ends."""
        self.state = json.dumps(self.oracle.state())

    @rule(most=st.integers(1, 12))
    def ask(self, most: int) -> None:
        """As the driver does, which fills its slots until there is nothing more."""
        for _ in range(most):
            number = len(self.proposals)
            proposal = self.oracle.ask(number)
            assert proposal == self.twin.ask(number)
            if proposal is None:
                assert self.running or self.is_over()
                return
            self.check(proposal)
            self.proposals.append(proposal)
            self.kept()

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 99), score=SCORES)
    def tell(self, which: int, score: float | None) -> None:
        number = self.running[which % len(self.running)]
        self.scores[number] = score
        for oracle in (self.oracle, self.twin):
            oracle.tell(number, score)
        self.kept()

    @precondition(lambda self: self.proposals)
    @rule()
    def die_and_resume(self) -> None:
        self.oracle = self.new()
        self.oracle.restore(json.loads(self.state), [self.told(*one) for one in enumerate(self.proposals)])

    def told(self, number: int, proposal: Proposal) -> KnownTrial:
        if number not in self.scores:
            return KnownTrial(number, proposal, "RUNNING", None)
        score = self.scores[number]
        return KnownTrial(number, proposal, "FAILED" if score is None else "FINISHED", score)

    def is_over(self) -> bool:
        """Hyperband's budget counts trials that a small space repeats, and infeasible trials may leave it nothing to go on with.

        ASHA's counts all that might go on.
        """
        if self.name == "asha":
            begun = sum(proposal.parent is None for proposal in self.proposals)
            scored = [self.proposals[number].epochs for number, score in self.scores.items() if score is not None]
            failed_later = any(score is None and self.proposals[number].parent is not None for number, score in self.scores.items())
            return begun == SETTINGS["asha"]["max_trials"] and (not scored or max(scored) == 9 or failed_later)
        whole = len(self.proposals) == self.oracle.budget
        return whole or (self.name == "hyperband" and (self.infeasible or self.space.size is not None))

    def check(self, proposal: Proposal) -> None:
        most = self.oracle.budget * (2 if self.name == "hyperband" and self.infeasible else 1)  # infeasible points are replaced
        assert len(self.proposals) < most
        identity = self.space.identity(proposal.point)
        assert identity not in self.identities
        self.identities.add(identity)
        if proposal.parent is not None:
            assert self.scores.get(proposal.parent) is not None, "the parent has ended"
            assert self.proposals[proposal.parent].epochs == proposal.initial_epoch < proposal.epochs


@pytest.mark.parametrize(("name", "words"), [case for case in CASES if case[0] != "optuna"])  # keeps what it is told in that order
def test_a_death_changes_no_proposal(name: str, words: tuple, space: Callable[..., Space], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("src.oracles.surrogate.CANDIDATES", 50)  # 2000 would find better points, in more seconds
    one_space, examples = space(*words), LONG * EXAMPLES.get(name, 30)
    run_state_machine_as_test(
        lambda: Lives(name, one_space),
        settings=settings(max_examples=examples, stateful_step_count=40, derandomize=True, database=None, deadline=None),
    )
