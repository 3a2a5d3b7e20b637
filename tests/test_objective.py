import math

import pytest

from src.errors import ConfigError
from src.objective import Objective


def test_obvious_directions() -> None:
    assert str(Objective.parse("val_accuracy")) == "max:val_accuracy"
    assert str(Objective.parse("val_loss")) == "min:val_loss"
    assert str(Objective.parse("val_acc")) == "max:val_acc"
    assert str(Objective.parse("min:val_accuracy")) == "min:val_accuracy"


@pytest.mark.parametrize("text", ["val_top5", "up:val_loss", "min:", "", "val_accuracy_loss"])
def test_a_direction_that_is_not_obvious_is_asked_for(text: str) -> None:
    with pytest.raises(ConfigError, match="min:"):
        Objective.parse(text)


def test_non_finite_scores_never_improve() -> None:
    for direction in ("min", "max"):
        objective = Objective("x", direction)
        assert not any(objective.improves(score, 0.5) for score in (math.nan, math.inf, -math.inf))
        assert not objective.improves(0.5, 0.5)
        assert objective.improves(0.5, None)
