"""The model behind new configurations of oracles with rungs, beside the contract in test_oracles.py."""

from collections.abc import Callable
from math import log10

import pytest

from src.errors import ConfigError
from src.oracles.guided import Guided
from tests.oracles.conftest import Driven, score

WORDS = ("optimizer.learning_rate=tag(log,interval(1e-5,1))", "model.units=int(interval(16,512))")
SETTINGS = {"asha": {"max_trials": 30, "max_epochs": 9}, "hyperband": {"max_epochs": 9, "iterations": 2}}


@pytest.mark.parametrize("name", SETTINGS)
def test_new_configurations_lie_where_scores_were_good(name: str, drive: Callable) -> None:
    def near(sampler: str) -> int:
        driven = drive(name, *WORDS, **SETTINGS[name], sampler=sampler).run()
        new = [proposal.point for proposal in driven.proposals if proposal.parent is None]
        return sum(abs(log10(float(point["optimizer.learning_rate"])) + 2) < 0.5 for point in new[10:])

    assert near("bayesian") > 2 * near("random")


def test_a_sampler_that_is_none_is_refused(drive: Callable) -> None:
    with pytest.raises(ConfigError, match=r"oracle\.sampler=bayes: unknown; did you mean .bayesian"):
        drive("asha", *WORDS, sampler="bayes")


def told(oracle: Guided) -> dict[str, float]:
    """Units of a configuration → what the model is told of it."""
    numbers = {number: trial.hyperparameters.values["model.units"] for number, trial in oracle.trials.items()}
    return {str(numbers[str(one.key[0])]): one.score for one in oracle._tried_points()}


def test_scores_of_lower_rungs_are_lifted_by_what_training_on_brought_others(drive: Callable) -> None:
    """A model of those alone that went on would believe of all others that they are as good."""

    def epochs_help(point: dict) -> float:
        return int(point["model.units"]) + 1000 * int(point["training.epochs"])

    driven: Driven = drive("asha", "model.units=int(interval(16,512))", max_trials=12, max_epochs=9).run(epochs_help)
    assert max(proposal.epochs for proposal in driven.proposals) == 9
    assert told(driven.oracle) == {units: int(units) + 9000 for units in told(driven.oracle)} and len(told(driven.oracle)) == 12


def test_an_infeasible_one_is_told_as_such_at_any_rung(drive: Callable) -> None:
    driven = drive("asha", *WORDS, max_trials=12, max_epochs=9)
    driven.run(lambda point: None if point["training.epochs"] == "9" else score(point))
    infeasible = [driven.points[number]["model.units"] for number, value in driven.scores.items() if value is None]
    assert infeasible and {units for units, value in told(driven.oracle).items() if value == -float("inf")} == set(infeasible)
