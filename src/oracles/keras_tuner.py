"""One of KerasTuner's oracles behind our interface, with its files, its failure policy and its printing taken away."""

from typing import Any

import keras_tuner as kt

from src.objective import Objective
from src.space import Point

UNUSED = ""  # stands for a key that a point does not use: KerasTuner would draw a value for a key that is left out


class Quiet(kt.Oracle):  # type: ignore[misc]
    """A mix-in before an oracle's class: the study is durable and decides on failures, not KerasTuner."""

    def save(self) -> None:
        """Writes nothing: KerasTuner's JSON files are not atomic."""

    def _save_trial(self, trial: kt.engine.trial.Trial) -> None: ...

    def _check_consecutive_failures(self) -> None: ...  # it would count the whole history and raise before saving


class KerasTunerOracle:
    """Asks and tells a `kt.Oracle` by our own trial numbers."""

    def __init__(self, name: str, oracle: kt.Oracle, objective: Objective) -> None:
        self.name, self._oracle, self._objective = name, oracle, objective
        self._trials: dict[int, kt.engine.trial.Trial] = {}
        self._stopped = False
        oracle.verbose = 0

    def ask(self, number: int) -> Point | None:
        """The point of trial `number`, or None: nothing now."""
        trial = self._oracle.create_trial(f"trial {number}")
        self._stopped = trial.status == "STOPPED"
        if trial.status != "RUNNING":
            return None
        self._trials[number] = trial
        return {key: text for key, text in trial.hyperparameters.values.items() if text != UNUSED}

    def tell(self, number: int, score: float | None) -> None:
        """Ends a trial; None marks it infeasible."""
        trial = self._trials.pop(number)
        if score is not None:
            self._oracle.update_trial(trial.trial_id, {self._objective.name: score})
        trial.status = "FAILED" if score is None else "COMPLETED"
        self._oracle.end_trial(trial)

    def exhausted(self) -> bool:
        """Whether KerasTuner said that the search is over."""
        return self._stopped

    def state(self) -> dict[str, Any]:
        """KerasTuner's own state."""
        state: dict[str, Any] = self._oracle.get_state()
        return state
