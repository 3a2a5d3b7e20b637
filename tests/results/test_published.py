from collections.abc import Callable
from types import SimpleNamespace

import pytest

from src.config.command_line import read
from src.config.request import Request
from src.results.published import compare_with_published
from src.space import Space


@pytest.fixture
def notebook(loader) -> Callable[..., tuple[Space, Request]]:
    def made(*overrides: str) -> tuple[Space, Request]:
        request = read(loader, ["sweeps=notebook", *overrides], multirun=True)
        return Space.of(request), request

    return made


def ended(point: dict[str, str], metrics: dict[str, float]) -> SimpleNamespace:
    return SimpleNamespace(point=point, metrics=metrics, state="FINISHED", code=None, packages=None)


def rows_for(space: Space, request: Request, value: Callable[[int], float]) -> list[dict]:
    names = [name if "/" in name else f"kept/{name}" for figures in request.reported for name in figures]
    trials = [ended(point, dict.fromkeys(names, value(n))) for n, point in enumerate(space.points())]
    return compare_with_published(space, request.reported, trials)


def test_every_published_figure_has_its_trial(notebook) -> None:
    space, request = notebook()
    rows = rows_for(space, request, lambda number: number / 100)
    assert len(rows) == sum(map(len, request.reported)) == 17
    assert rows[0] == {
        "trial": "model=logistic_regression seed=42",
        "metric": "cv/accuracy",
        "reported": 0.84185,
        "obtained": 0.0,
        "difference": "-0.8418",
        "repeats": 1,
    }
    assert rows[-1]["obtained"] == pytest.approx(0.48) and rows[-1]["repeats"] == 5


def test_seeds_are_averaged(notebook) -> None:
    space, request = notebook("seed=1,2")
    rows = rows_for(space, request, lambda number: number % 2)
    assert {(row["obtained"], row["repeats"]) for row in rows} == {(0.5, 2)}


def test_a_trial_counts_once_with_the_value_of_its_kept_epoch(notebook) -> None:
    space, request = notebook()
    trials = [ended(point, {"kept/val_accuracy": 0.9, "val_accuracy": 0.1}) for point in space.points()]
    [row] = {
        (row["obtained"], row["repeats"])
        for row in compare_with_published(space, [{"val_accuracy": 0.8}] * len(request.reported), trials)
        if row["repeats"] == 1
    }
    assert row == (0.9, 1)


def test_a_changed_sweep_is_not_compared_with_published(notebook) -> None:
    assert rows_for(*notebook("training.epochs=1"), lambda number: 0.5) == []
    assert rows_for(*notebook("data=digits"), lambda number: 0.5) == []


def test_a_trial_is_found_however_its_values_were_written_and_other_code_is_a_row_of_its_own(notebook) -> None:
    space, _ = notebook("seed=1,2")
    trials = [
        ended({key: f"'{text}'" if key == "model" else text for key, text in point.items()}, {"kept/val_accuracy": 0.5})
        for point in space.points()
    ]
    assert {row["repeats"] for row in compare_with_published(space, [{"val_accuracy": 0.5}] * len(space.trials), trials)} == {2}
    for trial in trials:
        trial.code = "3f2a" if trial.point["seed"] == "1" else "77ab"
    rows = compare_with_published(space, [{"val_accuracy": 0.5}] * len(space.trials), trials)
    assert {(row["differs in"], row["repeats"]) for row in rows} == {("code 3f2a", 1), ("code 77ab", 1)}
