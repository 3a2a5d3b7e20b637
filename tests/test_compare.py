"""`python -m src.compare` on study files made here."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from src import compare
from src.objective import Objective
from src.results.leaderboard import Standing, TrialResult
from src.space.origin import Origin
from src.study.store import Store

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def study(
    folder: Path, sweep_id: str, name: str, trials: list[tuple[dict[str, str], float | None]], objective: str = "max:val_accuracy"
) -> None:
    path = folder / "mlruns" / "sweeps" / sweep_id
    path.mkdir(parents=True)
    store = Store.create(path / "study.db", sweep_id=sweep_id, name=name, objective=objective, validation_examples="12000")
    with store._transaction():
        for number, (point, score) in enumerate(trials):
            state = "FAILED" if score is None else "FINISHED"
            values = (number, json.dumps(point), f"{sweep_id} {number}", state, score, 2, 3, 1.5, "" if score else "ValueError: no")
            store._db.execute(
                "insert into trial (number, overrides, active_hash, state, score, kept_epoch, epochs, seconds, cause)"
                " values (?,?,?,?,?,?,?,?,?)",
                values,
            )
            for epoch in (1, 2, 3):
                metrics = {"val_accuracy": (score or 0) - abs(epoch - 2) / 10, "val_loss": 1 - (score or 0)}
                metrics = metrics if objective == "max:val_accuracy" else {"height": score}
                store._db.execute("insert into epoch values (?, ?, ?)", (number, epoch, json.dumps(metrics)))
    store.close()


def points(scores: dict[str, list[float | None]]) -> list[tuple[dict[str, str], float | None]]:
    return [
        ({"optimizer": name, "training.epochs": "3", "seed": str(seed)}, score)
        for name, values in scores.items()
        for seed, score in enumerate(values)
    ]


@pytest.fixture
def two_sweeps(tmp_path: Path) -> None:
    study(tmp_path, "20260101-000000-aaaa", "optimizers", points({"sgd": [0.80, 0.81, 0.82], "adam": [0.88, 0.884, 0.888]}))
    study(
        tmp_path, "20260101-000001-bbbb", "", points({"adam": [0.879, 0.883, 0.887], "rmsprop": [0.881, 0.885, 0.889], "sgd": [None, None]})
    )


def test_of_several_sweeps_each_row_says_its_sweep_for_each_counts_from_1(tmp_path: Path, command: Command) -> None:
    for sweep, score in (("20260101-000000-aaaa", 0.8), ("20260101-000001-bbbb", 0.9)):
        study(tmp_path, sweep, "", [({"optimizer": "sgd", "model.units": str(score)}, score)])
    rows = json.loads(command("src.compare", "sweep=all", "format=json").stdout)
    assert [(row["trial"], row["sweep"]) for row in rows] == [(1, "20260101-000001-bbbb"), (1, "20260101-000000-aaaa")]


@pytest.mark.usefixtures("two_sweeps")
def test_the_latest_sweep_is_ranked_with_seeds_as_one_row(command: Command) -> None:
    found = json.loads(command("src.compare", "format=json").stdout)
    assert [(row["rank"], row["optimizer"], row["repeats"]) for row in found] == [
        ("1-2", "rmsprop", 3),
        ("1-2", "adam", 3),
        (None, "sgd", 0),
    ]
    assert found[0]["val_accuracy"] == pytest.approx(0.885) and found[0]["last"] == pytest.approx(0.785)
    assert "training.epochs" not in found[0]


@pytest.mark.usefixtures("two_sweeps")
def test_below_the_table_it_says_what_is_known_and_which_seeds_would_find_what_matters(command: Command) -> None:
    done = command("src.compare", "least=0.008")
    assert done.returncode == 0 and done.stderr == ""
    assert (
        "differences below 0.0091 may be chance: the spread between seeds is 0.004, pooled over 2 configurations with 3 seeds each"
        in done.stdout
    )
    assert "on new examples of the kind ± 0.0057 (95 %)" in done.stdout
    assert "selected at 0.8850, as the first of 2 that are not told apart; expect about 0.88" in done.stdout
    assert "6 seeds each would find a difference of 0.008 (least=) in 80 % of tables; compare once, when all have run:" in done.stdout
    assert "  python -m src.sweep -m optimizer=adam training.epochs=3 seed=3,4,5\n" in done.stdout
    assert "2 x FAILED ValueError: no" in done.stdout
    assert "(twice the spread)" in command("src.compare").stdout


@pytest.mark.usefixtures("two_sweeps")
def test_sweeps_are_found_by_name_and_id_and_compared_as_one(command: Command) -> None:
    found = json.loads(command("src.compare", "sweep=optimizers,20260101-000001-bbbb", "objective=min:val_loss", "format=json").stdout)
    assert [(row["optimizer"], row["repeats"]) for row in found] == [("rmsprop", 3), ("adam", 6), ("sgd", 3)]
    assert found[0]["val_loss"] == pytest.approx(0.115)


@pytest.mark.usefixtures("two_sweeps")
def test_mistakes(command: Command) -> None:
    for argument, message in {
        "sweep=optimisers": "did you mean 'optimizers'?",
        "swep=latest": "did you mean 'sweep'?",
        "format=tabel": "did you mean 'table'?",
        "objective=max:val_acuracy": "did you mean 'val_accuracy'?",
        "latest": "expected key=value",
        "least=-1": "least=-1: expected a number above 0",
        "least=little": "least=little: expected a number above 0",
    }.items():
        done = command("src.compare", argument)
        assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_no_sweep_yet(command: Command) -> None:
    done = command("src.compare")
    assert done.returncode == 2 and "python -m src.sweep -m" in done.stderr


def test_ten_thousand_trials(command: Command, tmp_path: Path) -> None:
    many = [({"model.units": str(n // 5), "seed": str(n % 5)}, 0.8 + (n * 7919 % 1000) / 1e4) for n in range(10_000)]
    study(tmp_path, "20260101-000000-aaaa", "", many)
    assert len(command("src.compare", "format=csv").stdout.splitlines()) == 2001


@pytest.mark.usefixtures("two_sweeps")
def test_a_report_is_written_where_it_is_wanted(command: Command, tmp_path: Path) -> None:
    done = command("src.compare", "sweep=optimizers", "report=out/report.html")
    assert done.returncode == 0 and done.stderr == ""
    text = (tmp_path / "out" / "report.html").read_text()
    assert "optimizers 20260101-000000-aaaa" in text and "python -m src.confirm sweep=20260101-000000-aaaa" in text


def close(*origins: Origin, **more: object) -> Standing:
    """Two configurations that differ in what no override names, or what `more` says, on each origin."""
    trials = [
        TrialResult(n, {}, f"{rate} {seed}", None, "FINISHED", "", 0.8 + seed / 5000 - rate, 1, 0.8, 1.0, "1", str(rate), values, origin)
        for n, origin in enumerate(origins)
        for rate in (0.01, 0.011)
        for seed in (3, 7, 11)
        for values in [{"optimizer.learning_rate": rate, "seed": seed, **more}]
    ]
    return Standing.of(trials, Objective("val_accuracy", "max"), 0)


def test_the_commands_repeat_what_no_override_names_with_seeds_that_are_new() -> None:
    say, first, second = compare.advice_on_seeds(close(Origin(True, "91ab", "3f2a")), "3f2a")
    assert say.startswith("6 seeds each would find a difference of 0.0016 (twice the spread) in 80 % of tables")
    assert first == "  python -m src.sweep -m optimizer.learning_rate=0.01 seed=12,13,14"
    assert second.startswith("  python -m src.sweep -m optimizer.learning_rate=0.011 seed=")


def test_what_cannot_be_found_at_this_cost_and_what_was_found() -> None:
    found = close(Origin(True, "91ab", "3f2a"))
    assert compare.advice_on_seeds(found, "3f2a", 1e-5) == [
        "More than 50 seeds each would be needed to find a difference of 1e-05 (least=); expected a larger least=."
    ]
    assert compare.advice_on_seeds(found, "3f2a", 0.1) == [
        "The first 2 are not told apart: with 3 seeds each, a difference of 0.1 (least=) is found in 80 % of tables."
    ]


def test_new_seeds_are_not_asked_of_other_code() -> None:
    [line] = compare.advice_on_seeds(close(Origin(True, "91ab", "3f2a")), "77ab")
    assert "new seeds would be rows of their own" in line


def test_the_first_two_are_those_on_the_same_data() -> None:
    lines = compare.advice_on_seeds(close(Origin(True, "91ab", "3f2a"), Origin(True, "55cd", "3f2a")), "3f2a")
    assert [line for line in lines if line.startswith("data")] == ["data 91ab:", "data 55cd:"] and len(lines) == 8
