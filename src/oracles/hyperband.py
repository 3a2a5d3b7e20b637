"""Hyperband (Li et al. 2018, jmlr.org/papers/v18/16-558): many short trials, the best of which continue."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras_tuner as kt

from src.errors import ConfigError
from src.objective import Objective
from src.oracles import KnownTrial, Proposal
from src.oracles.base import Values
from src.oracles.guided import Guided
from src.oracles.rungs import EPOCHS, in_words, total_epochs
from src.space import Point, Space
from src.states import TrialState

Bracket = dict[str, Any]  # of KerasTuner: {"bracket_num": 2, "rounds": [[{"past_id": None, "id": "0"}, …], …]}


class Hyperband(Guided, kt.oracles.HyperbandOracle):  # type: ignore[misc]
    """The brackets of the paper's Algorithm 1. Infeasible points are replaced, and trials of earlier brackets continue in later ones.

    Args:
        max_epochs: epochs of the last rung.
        factor: one in `factor` trials of a rung continues, for `factor` times the epochs.
        iterations: number of times that all brackets run.
        sampler: the source of new points, as in Guided.

    Raises:
        ConfigError: there are more known points than first places in the brackets.
    """

    takes_others = begins_with_defaults = False
    compares_whole = True

    def __init__(
        self, space: Space, objective: Objective, *, max_epochs: int, factor: int, iterations: int, sampler: str, seed: int
    ) -> None:
        self._infeasible: set[str] = set()
        self._trained: dict[str, dict[int, int]] = {}  # identity of a point without its epochs → epochs → trial
        super().__init__(
            space, objective, sampler=sampler, seed=seed, max_epochs=max_epochs, factor=factor, hyperband_iterations=iterations
        )
        rungs = [self._rungs(number) for number in reversed(range(self._get_num_brackets()))]
        self._filling = self._brackets[0]
        starts = iterations * sum(bracket[0][0] for bracket in rungs)
        if len(space.first) > starts:
            more = "more of oracle.max_epochs or oracle.iterations"
            raise ConfigError(
                [f"oracle.first: {len(space.first)} points; expected at most the {starts} that these brackets begin, or {more}."]
            )
        self._start = self.start_of(starts)
        self.known_in_advance = min(self._start, rungs[0][0][0]) if self._guided else rungs[0][0][0]
        self.budget = iterations * sum(size for bracket in rungs for size, _ in bracket)
        self.epochs = iterations * sum(map(total_epochs, rungs))
        self.swept = [*space.swept, EPOCHS]
        self.schedule_lines = [f"bracket {count}: {in_words(bracket)}" for count, bracket in enumerate(rungs, 1)]

    def ask(self, number: int) -> Proposal | None:
        """Proposes the trial `number`; returns None after more infeasible points than `budget`, because replacing them might never end."""
        return super().ask(number) if len(self._infeasible) <= self.budget else None

    def tell(self, number: int, score: float | None) -> None:
        """Ends a trial; removes an infeasible point from all rungs, so that another point replaces it."""
        super().tell(number, score)
        if score is None:
            infeasible = self._identity(str(number))
            self._infeasible.add(infeasible)
            for rung in self._all_rungs():
                rung[:] = [entry for entry in rung if self._identity(entry["id"]) != infeasible]

    def state(self) -> dict[str, Any]:
        """Returns the unfinished brackets and the position in their sequence."""
        return {"brackets": self._brackets, "bracket": self._current_bracket, "iteration": self._current_iteration}

    def restore(self, state: dict[str, Any], trials: Sequence[KnownTrial]) -> None:
        """Adds the trials and brackets of another process."""
        super().restore(state, trials)
        self._infeasible |= {
            self._identity(str(known.number)) for known in trials if known.score is None and known.state != TrialState.RUNNING
        }
        self._brackets, self._current_bracket, self._current_iteration = state["brackets"], state["bracket"], state["iteration"]

    def next_known(self) -> None:
        """Returns None: known points enter the brackets."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Returns the values of the next trial. If an earlier trial has the same values, it takes the place in the rung instead."""
        while True:
            answer: dict[str, Any] = super().populate_space(trial_id)
            if answer["status"] != "RUNNING":
                return answer
            earlier = self._known.get(self.space.identity(self.proposal(answer["values"]).point))
            if earlier is None:
                return answer
            entry = next(entry for rung in self._all_rungs() for entry in rung if entry["id"] == trial_id)
            entry["id"] = str(earlier)

    def proposal(self, values: Values) -> Proposal:
        """Converts KerasTuner's values into a Proposal, which continues the longest completed shorter training of the point."""
        epochs = values["tuner/epochs"]
        known = self._trained.get(self._identity_of(values), {})
        trained = {count: number for count, number in known.items() if self._completed(str(number))}
        before = max((count for count in trained if count < epochs), default=0)
        point = super().proposal(values).point
        return Proposal(point, trained.get(before), before, epochs)

    def texts(self, values: Values) -> dict[str, str]:
        """Converts KerasTuner's values into texts of overrides, including the epochs of the rung."""
        epochs = {EPOCHS: str(values["tuner/epochs"])} if "tuner/epochs" in values else {}
        return super().texts(values) | epochs

    def remaining_points(self) -> list[Point]:
        """Returns the points of a finite space that may still enter the bracket that is being filled."""
        taken = self._taken()
        return [point for identity, point in self.space.listed.items() if identity not in taken]

    def _add(self, number: int, proposal: Proposal) -> None:
        super()._add(number, proposal)
        self._trained.setdefault(self._identity(str(number)), {})[proposal.epochs or 0] = number

    def _completed(self, trial_id: str) -> bool:
        return bool(self.trials[trial_id].status == "COMPLETED")

    def _remove_completed_brackets(self) -> None:
        """Keeps a bracket until its last rung has completed; KerasTuner drops it earlier and would not replace an infeasible point."""
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
        """Returns True if the point is excluded, infeasible, or in the same bracket.

        KerasTuner also refuses the points of earlier brackets, which soon exhausts a small space.
        """
        return self.point(values) is None or self._identity_of(values) in self._taken()

    def _random_values(self) -> Values | None:
        """Returns the values of the next known point, or of a new point after the last one."""
        for point in self._first:
            values = self.values(point)
            if values and self.space.identity(point) not in self._trained:
                return values
        return super()._random_values()

    def _is_tried(self, values: Values) -> bool:
        """Returns True also for points of earlier brackets, so that the model proposes others."""
        return self._duplicate(values) or self._identity_of(values) in self._trained

    def _taken(self) -> set[str]:
        """Returns the identities of points that may not enter the bracket that is being filled."""
        return self._infeasible | {self._identity(entry["id"]) for entry in self._filling["rounds"][0]}

    def _all_rungs(self) -> Iterator[list[dict[str, Any]]]:
        return (rung for bracket in self._brackets for rung in bracket["rounds"])

    def _identity(self, trial_id: str) -> str:
        return self._identity_of(self.trials[trial_id].hyperparameters.values)

    def _identity_of(self, values: Values) -> str:
        """Returns the identity of a point without its epochs."""
        return self.space.identity(self.space.point(super().texts(values)) or {})

    def _rungs(self, number: int) -> list[tuple[int, int]]:
        """Returns (trials, epochs) of each rung of a bracket."""
        return [(self._get_size(number, rung), self._get_epochs(number, rung)) for rung in range(self._get_num_rounds(number))]

    def _get_size(self, bracket_num: int, round_num: int) -> int:
        """Returns the paper's floor(n / factor^i), n = ceil((s_max + 1) / (s + 1) · factor^s), in whole numbers; KerasTuner rounds up.

        In a finite space, n is at most the number of feasible points; otherwise the first rung would never fill, and no trial continue.
        """
        first = -(-self._get_num_brackets() * self.factor**bracket_num // (bracket_num + 1))
        if self.space.size is not None:
            first = min(first, self.space.size - len(self._infeasible))
        return max(1, first // self.factor**round_num)  # type: ignore[no-any-return]

    def _get_epochs(self, bracket_num: int, round_num: int) -> int:
        """Returns the paper's max_epochs / factor^(s - i), rounded to the nearest whole epoch (halves down); KerasTuner rounds up."""
        share = self.factor ** (bracket_num - round_num)
        return (2 * self.max_epochs + share - 1) // (2 * share)  # type: ignore[no-any-return]
