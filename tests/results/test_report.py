"""The report: what it says, and that nothing in it can run or reach out."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from src.objective import Objective
from src.results import charts, report
from src.results.advice import advice
from src.results.importance import importances
from src.results.leaderboard import Standing, TrialResult
from src.space.origin import Origin

OBJECTIVE = Objective("val_accuracy", "max")
EVIL = "</script><img src=x onerror=alert(1)>"


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


@pytest.fixture(scope="module")
def page() -> str:
    found = many()
    histories = {trial.identity: history([0.5, 0.4], [0.8, 0.9]) for trial in found.trials}
    return report.build("Why?", f"sub {EVIL}", found, histories, [{"rank": "1", "values": EVIL}], "python -m src.promote").html.decode()


def test_the_page_needs_no_network_and_nothing_in_it_runs(page: str) -> None:
    head = page[: page.index("<script>")]
    assert "default-src 'none'" in head and EVIL not in page and "&lt;img src=x" in head
    assert not re.findall(r"""<(?:script|link|img)[^>]+(?:src|href)=""", head)


def test_the_charts_are_those_that_there_is_something_to_draw_for(page: str) -> None:
    specs = json.loads(re.search(r'id="specs">(.*?)</script>', page, re.DOTALL)[1])
    assert list(specs) == ["learning curves", "parallel coordinates", "importance", "score against cost"]
    assert all(f"id='{name}'" in page for name in specs)
    few = report.build("", "", standing([{"seed": "1"}], [0.5]), {}, [], "")
    assert list(few.specs) == ["score against cost"]
    assert all(content.startswith(b"\x89PNG") for content in few.pictures().values())


def test_a_report_of_failures_says_so() -> None:
    made = report.build("", "", standing([{"seed": "1"}], [None]), {}, [], "")
    assert made.specs == {} and b"no trial has a score" in made.html


def test_the_key_that_decides_is_the_most_important_one() -> None:
    found = importances(many())
    assert found[0].key == "optimizer.learning_rate" and found[0].low > 0.5 and found[0].share < 1.2
    assert {one.key: one.partial for one in found}["optimizer.momentum"]
    assert {one.key: one.low <= 0.05 for one in found}["seed"]
    assert importances(many(6)) == []


def test_conditional_keys_lie_below_the_axis_where_they_are_not_used() -> None:
    found = many(8)
    runs = charts.runs_of(found, {})
    places, ticks = charts._places(runs)
    momentum = dict(zip((run["trial"] for run in runs.table), places[runs.keys.index("optimizer.momentum")], strict=True))
    assert all((place == -0.1) == (trial % 2 == 1) for trial, place in momentum.items())
    assert {"axis": "optimizer.momentum", "place": -0.1, "label": charts.UNSET} in ticks


def test_no_more_runs_than_a_browser_can_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "MOST_RUNS", 5)
    runs = charts.runs_of(many(), {})
    assert len(runs.table) == 5 and max(run["score"] for run in runs.table) == runs.table[-1]["score"] == many().best.score


@pytest.mark.parametrize(
    ("histories", "said"),
    [
        (history([0.5, 0.4, 0.45, 0.5], [0.7, 0.8, 0.8, 0.8]), "overfits from epoch 3 on"),
        (history([0.5, 0.4, 0.3], [0.7, 0.8, 0.9]), "still improving at its last epoch, 3: raise training.epochs"),
        (history([0.5, 0.4, 0.45], [0.7, 0.9, 0.8]), None),
    ],
)
def test_advice_on_the_best_trials_curves(histories: dict, said: str | None) -> None:
    found = advice(standing([{"optimizer": "sgd"}, {"optimizer": "adam"}], [0.9, 0.5]), {"0": histories})
    assert any(said in line for line in found) if said else found == []


def test_advice_on_the_edge_of_a_range_and_on_ties() -> None:
    rates = [{"optimizer.learning_rate": text} for text in ("0.001", "0.01", "0.1")]
    assert advice(standing(rates, [0.5, 0.6, 0.9]), {}) == [
        "the best optimizer.learning_rate=0.1 is the highest that was tried (0.001 to 0.1): widen its range"
    ]
    assert advice(standing(rates, [0.5, 0.9, 0.6]), {}) == []
    assert advice(standing(rates, [0.5, 0.9, 0.9]), {})[-1].startswith("the first 2 configurations cannot be told apart")


def test_what_other_code_or_data_gave_is_told_apart_and_decides_on_no_key() -> None:
    rates = [{"optimizer.learning_rate": text} for text in ("0.001", "0.01", "0.1")]
    trials = [
        replace(trial, origin=Origin(True, data, "3f2a"), point=trial.point)
        for data, scores in {"91ab": [0.5, 0.6, 0.9], "55cd": [0.95, 0.9, 0.8]}.items()
        for trial in standing(rates, scores).trials
    ]
    found = Standing.of(trials, OBJECTIVE, 0)
    assert advice(found, {}) == ["the best optimizer.learning_rate=0.1 is the highest that was tried (0.001 to 0.1): widen its range"]
    names = [run["run"] for run in charts.runs_of(found, {}).table]
    assert len(set(names)) == 6 and "optimizer.learning_rate=0.1 data 91ab" in names
    some = many(30).trials
    others = [replace(trial, score=trial.score - 5, origin=Origin(code="77ab")) for trial in some]
    assert {one.key: one.trials for one in importances(Standing.of([*some, *others], OBJECTIVE, 0))}["optimizer.learning_rate"] == 30
