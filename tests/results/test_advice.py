"""Advice, importance, and the keys that decide on failure."""

from dataclasses import replace

import numpy as np
import pytest

from src.objective import Objective
from src.results.advice import advice
from src.results.failures import failures
from src.results.importance import importances
from src.results.leaderboard import Standing, TrialResult
from src.space.origin import Origin

OBJECTIVE = Objective("val_accuracy", "max")


def standing(points: list[dict[str, str]], scores: list[float | None]) -> Standing:
    return Standing.of(
        [
            TrialResult(n, point, str(n), f"run{n}", "FINISHED" if score is not None else "FAILED", "", score, 2, score, 1.0 + n)
            for n, (point, score) in enumerate(zip(points, scores, strict=True))
        ],
        OBJECTIVE,
        0,
    )


def many(count: int = 60) -> Standing:
    """The learning rate decides, momentum (of sgd alone) matters little, the seed not at all."""
    random = np.random.default_rng(0)
    points, scores = [], []
    for n in range(count):
        rate = 10 ** random.uniform(-4, -1)
        point = {"optimizer": "sgd" if n % 2 else "adam", "optimizer.learning_rate": f"{rate:.6g}", "seed": str(n % 3)}
        points.append(point | ({"optimizer.momentum": str(n % 4 / 10)} if n % 2 else {}))
        scores.append(0.9 - 0.1 * (np.log10(rate) + 2.5) ** 2 + 0.01 * (n % 2) + random.normal() / 1000)
    return standing(points, scores)


def history(losses: list[float], accuracies: list[float]) -> dict[str, list[float]]:
    falling = [0.5 / (n + 1) for n in range(len(losses))]
    return {"loss": falling, "accuracy": accuracies, "val_loss": losses, "val_accuracy": accuracies}


def test_the_key_that_decides_is_the_most_important_one() -> None:
    found = importances(many())
    assert found[0].key == "optimizer.learning_rate" and all(0 < one.low <= one.share <= one.high <= 1 for one in found)
    assert {one.key for one in found} <= {"optimizer.learning_rate", "optimizer"}
    assert importances(many(6)) == []


def test_a_key_that_some_configurations_have_is_judged_among_them() -> None:
    points = [{"optimizer": "sgd", "optimizer.momentum": str(n / 30)} if n % 2 else {"optimizer": "adam"} for n in range(80)]
    points = [{**point, "model.units": str(n)} for n, point in enumerate(points)]
    found = importances(standing(points, [n / 30 * (n % 2) for n in range(80)]))
    assert {one.key: (one.partial, one.configurations) for one in found}["optimizer.momentum"] == (True, 40)


def test_seeds_are_no_rows_of_importance() -> None:
    """Ten configurations are too few, however often they are repeated."""
    points = [{"model.units": str(n % 10), "seed": str(n // 10)} for n in range(100)]
    assert importances(standing(points, [float(n % 10) for n in range(100)])) == []
    more = [{"model.units": str(n % 30), "seed": str(n // 30)} for n in range(90)]
    assert [(one.key, one.configurations) for one in importances(standing(more, [float(n % 30) for n in range(90)]))] == [
        ("model.units", 30)
    ]


RISING = [0.5, 0.4, 0.42, 0.45, 0.47, 0.5]


@pytest.mark.parametrize(
    ("histories", "said"),
    [
        (history(RISING, [0.7, 0.9, 0.8, 0.8, 0.8, 0.8]), "overfits from epoch 3 on"),
        (history(RISING[:4], [0.7, 0.9, 0.8, 0.8]), None),
        (history([0.5, 0.4, 0.42, 0.45, 0.44, 0.43], [0.7, 0.9, 0.8, 0.8, 0.8, 0.8]), None),
        (history([0.5, 0.4, 0.3, 0.2, 0.1], [0.5, 0.6, 0.7, 0.8, 0.9]), "still improving at its last epoch, 5: raise training.epochs"),
        (history([0.5, 0.4, 0.3], [0.7, 0.8, 0.9]), None),
        (history([0.5, 0.4, 0.3, 0.2, 0.1], [0.7, 0.8, 0.8, 0.7, 0.9]), None),
    ],
)
def test_advice_on_the_best_trials_curves(histories: dict, said: str | None) -> None:
    found = advice(standing([{"optimizer": "sgd"}, {"optimizer": "adam"}], [0.9, 0.5]), {"0": histories})
    assert any(said in line for line in found) if said else found == []


def test_a_function_has_steps_and_no_training_epochs() -> None:
    rising = {"val_accuracy": [0.5, 0.6, 0.7, 0.8, 0.9]}
    found = advice(standing([{"trial._target_": "src.trials.valley.run"}], [0.9]), {"0": rising})
    assert found == ["the best configuration was still improving at its last epoch, 5: give it more steps"]


def test_where_some_repeats_stopped_early_nothing_is_still_improving() -> None:
    found = standing([{"seed": "1"}, {"seed": "2"}], [0.9, 0.8])
    rising = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95]
    falling = [0.5] * 6
    assert "still improving" in advice(found, {"0": history(falling, rising), "1": history(falling, rising)})[0]
    assert advice(found, {"0": history(falling[:5], rising[:5]), "1": history(falling, rising)}) == []


def rates(*scores: tuple[float, ...]) -> Standing:
    """Learning rates 0.001, 0.01, 0.1, each with its scores over seeds."""
    pairs = [(text, seed, score) for text, some in zip(("0.001", "0.01", "0.1"), scores, strict=True) for seed, score in enumerate(some)]
    return standing([{"optimizer.learning_rate": text, "seed": f"{seed}"} for text, seed, _ in pairs], [score for *_, score in pairs])


WIDEN = "the best optimizer.learning_rate=0.1 is the highest that was tried (0.001 to 0.1): widen its range"


def test_advice_on_the_edge_of_a_range_and_on_ties() -> None:
    assert advice(rates((0.5, 0.51), (0.6, 0.61), (0.9, 0.91)), {}) == [WIDEN]
    assert advice(rates((0.5, 0.51), (0.9, 0.91), (0.6, 0.61)), {}) == []
    assert advice(rates((0.5, 0.51), (0.90, 0.91), (0.91, 0.92)), {}) == [
        "the first 2 configurations are not told apart: repeat them with more seeds"
    ]
    assert advice(rates((0.5,), (0.6,), (0.9,)), {}) == [], "one seed each tells nothing"


def test_without_repeats_the_order_of_many_rows_tells_about_the_edge() -> None:
    points = [{"optimizer.learning_rate": f"{n / 100}", "model.units": str(n * 7 % 24)} for n in range(1, 25)]
    assert advice(standing(points, [0.5 + n / 100 for n in range(24)]), {}) == [
        "the best optimizer.learning_rate=0.24 is the highest that was tried (0.01 to 0.24): widen its range"
    ]
    assert advice(standing(points, [0.5 + n * 11 % 23 / 100 for n in range(23)] + [0.9]), {}) == []


def test_a_key_that_decides_on_failure_is_named_and_one_that_does_not_is_not() -> None:
    points = [{"optimizer.learning_rate": f"{n / 100}", "optimizer": ("sgd", "adam")[n % 2]} for n in range(1, 31)]
    line = "optimizer.learning_rate decides on failure: 8 of 30 configurations failed, most of them at high values"
    assert failures(standing(points, [0.5 if n <= 22 else None for n in range(1, 31)])) == [line]
    words = "optimizer decides on failure: 12 of 30 configurations failed, most of them with optimizer=adam"
    assert failures(standing(points, [None if n % 2 and n < 25 else 0.5 for n in range(1, 31)])) == [words]
    assert failures(standing(points, [None if n % 7 == 0 else 0.5 for n in range(1, 31)])) == []


def test_what_other_code_or_data_gave_is_told_apart_and_decides_on_no_key() -> None:
    trials = [
        replace(trial, origin=Origin(True, data, "3f2a"), point=trial.point)
        for data, some in {"91ab": (0.5, 0.6, 0.9), "55cd": (0.95, 0.9, 0.8)}.items()
        for trial in rates(*((score, score + 0.01) for score in some)).trials
    ]
    found = Standing.of(trials, OBJECTIVE, 0)
    assert advice(found, {}) == [WIDEN]
    some = many(30).trials
    others = [replace(trial, score=trial.score - 5, origin=Origin(code="77ab")) for trial in some]
    assert {one.key: one.configurations for one in importances(Standing.of([*some, *others], OBJECTIVE, 0))}[
        "optimizer.learning_rate"
    ] == 30
