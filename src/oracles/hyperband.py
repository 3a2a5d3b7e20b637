"""Hyperband (Li et al. 2018, jmlr.org/papers/v18/16-558): many short trials, of which the best go on."""

import math
from collections.abc import Sequence
from typing import Any

import keras_tuner as kt

from src.objective import Objective
from src.oracles import KnownTrial, Proposal
from src.oracles.base import Mended, Values
from src.space import Point, Space
from src.states import TrialState

EPOCHS = "training.epochs"
Bracket = dict[str, Any]  # {"bracket_num": 2, "rounds": [[{"past_id": None, "id": "0"}, …], …]}, KerasTuner's


class Hyperband(Mended, kt.oracles.HyperbandOracle):  # type: ignore[misc]
    """KerasTuner's brackets; but an infeasible point is replaced, and what an earlier bracket trained is not trained again.

    Args:
        max_epochs: of the last rung.
        factor: one in so many goes on, for so many times the epochs.
        iterations: how often all brackets are gone through.
    """

    def __init__(self, space: Space, objective: Objective, *, max_epochs: int, factor: int, iterations: int, seed: int) -> None:
        self._infeasible: set[str] = set()
        self._trained: dict[str, dict[int, int]] = {}  # a point without its epochs → epochs → the trial that had so many
        super().__init__(space, objective, seed=seed, max_epochs=max_epochs, factor=factor, hyperband_iterations=iterations)
        rungs = [self._rungs(number) for number in reversed(range(self._get_num_brackets()))]
        self._filling = self._brackets[0]
        self.foreseen, _ = rungs[0][0]
        self.budget = iterations * sum(size for bracket in rungs for size, _ in bracket)
        self.epochs = iterations * sum(size * epochs for bracket in rungs for (size, epochs) in _added(bracket))
        self.swept = [*space.swept, EPOCHS]
        self.schedule = [
            f"bracket {count}: {', then '.join(f'{size} of {epochs} epoch' + 's' * (epochs > 1) for size, epochs in bracket)}"
            for count, bracket in enumerate(rungs, 1)
        ]

    def ask(self, number: int) -> Proposal | None:
        """What to run next; nothing more where replacements of infeasible points would never end."""
        return super().ask(number) if len(self._infeasible) <= self.budget else None

    def tell(self, number: int, score: float | None) -> None:
        """Ends a trial; an infeasible point leaves all rungs, so that another one takes its place."""
        super().tell(number, score)
        if score is None:
            infeasible = self._base(self.trials[str(number)])
            self._infeasible.add(infeasible)
            for rung in (rung for bracket in self._brackets for rung in bracket["rounds"]):
                rung[:] = [entry for entry in rung if self._base(self.trials[entry["id"]]) != infeasible]

    def state(self) -> dict[str, Any]:
        """The unfinished brackets."""
        return {"brackets": self._brackets, "bracket": self._current_bracket, "iteration": self._current_iteration}

    def restore(self, state: dict[str, Any], trials: Sequence[KnownTrial]) -> None:
        """Takes over trials and brackets."""
        super().restore(state, trials)
        self._infeasible |= {self._base(self.trials[str(known.number)]) for known in trials if known.state == TrialState.FAILED}
        self._brackets, self._current_bracket, self._current_iteration = state["brackets"], state["bracket"], state["iteration"]

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The next trial; where an earlier one was the same, that one takes the place in its rung."""
        while True:
            answer: dict[str, Any] = super().populate_space(trial_id)
            if answer["status"] != "RUNNING":
                return answer
            earlier = self._known.get(self.space.identity(self.proposal(answer["values"]).point))
            if earlier is None:
                return answer
            rungs = (rung for bracket in self._brackets for rung in bracket["rounds"])
            entry = next(entry for rung in rungs for entry in rung if entry["id"] == trial_id)
            entry["id"] = str(earlier)

    def proposal(self, values: Values) -> Proposal:
        """Goes on from the longest training of the same point that has ended."""
        epochs = values["tuner/epochs"]
        known = self._trained.get(self._identity(values), {})
        trained = {count: number for count, number in known.items() if self._completed(str(number))}
        before = max((count for count in trained if count < epochs), default=0)
        point = super().proposal(values).point
        return Proposal(point, trained.get(before), before, epochs)

    def texts(self, values: Values) -> dict[str, str]:
        """With the epochs of the rung."""
        epochs = {EPOCHS: str(values["tuner/epochs"])} if "tuner/epochs" in values else {}
        return super().texts(values) | epochs

    def left(self) -> list[Point]:
        """The points of a finite space that the bracket to be filled does not have yet."""
        taken = self._taken()
        return [point for identity, point in self.space.listed.items() if identity not in taken]

    def _add(self, number: int, proposal: Proposal) -> None:
        super()._add(number, proposal)
        self._trained.setdefault(self._base(self.trials[str(number)]), {})[proposal.epochs or 0] = number

    def _completed(self, trial_id: str) -> bool:
        return bool(self.trials[trial_id].status == "COMPLETED")

    def _remove_completed_brackets(self) -> None:
        """KerasTuner's own forgets a bracket while its last rung still runs, and then replaces none of it that is infeasible."""
        before = self._brackets
        super()._remove_completed_brackets()
        self._brackets = [
            bracket
            for bracket in before
            if bracket in self._brackets or not all(self._completed(entry["id"]) for entry in bracket["rounds"][-1])
        ]

    def _random_trial(self, trial_id: str, bracket: Bracket) -> dict[str, Any]:
        self._filling = bracket
        answer: dict[str, Any] = super()._random_trial(trial_id, bracket)
        return answer

    def _duplicate(self, values: Values) -> bool:
        """KerasTuner's own forbids a point in a bracket that an earlier bracket had: small spaces are soon used up."""
        return self.point(values) is None or self._identity(values) in self._taken()

    def _taken(self) -> set[str]:
        return self._infeasible | {self._base(self.trials[entry["id"]]) for entry in self._filling["rounds"][0]}

    def _base(self, trial: kt.engine.trial.Trial) -> str:
        return self._identity(trial.hyperparameters.values)

    def _identity(self, values: Values) -> str:
        """Of a point without its epochs."""
        return self.space.identity(self.space.point(super().texts(values)) or {})

    def _rungs(self, number: int) -> list[tuple[int, int]]:
        """(trials, epochs) of each rung of a bracket."""
        return [(self._get_size(number, rung), self._get_epochs(number, rung)) for rung in range(self._get_num_rounds(number))]

    def _get_size(self, bracket_num: int, round_num: int) -> int:
        """No more than the space has feasible points: else the first rung never fills and nothing is halved."""
        size: int = super()._get_size(bracket_num, round_num)
        if self.space.size is None:
            return size
        feasible = self.space.size - len(self._infeasible)
        return min(size, math.ceil(feasible / self.factor**round_num))  # type: ignore[no-any-return]


def _added(bracket: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """(trials, epochs beyond those of the rung before)."""
    before = [0, *(epochs for _, epochs in bracket)]
    return [(size, epochs - earlier) for (size, epochs), earlier in zip(bracket, before, strict=False)]
