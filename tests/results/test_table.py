from dataclasses import replace

import pytest

from src.objective import Objective
from src.results import table
from src.results.leaderboard import Standing, TrialResult
from src.space import Point
from src.space.origin import Origin


def standing(*trials: tuple[dict[str, str], float | None]) -> Standing:
    ended = [
        TrialResult(
            n, Point.read(point), str(n), f"run{n}", "FAILED" if score is None else "FINISHED", "" if score else "a|b", score, 1, score, 1.0
        )
        for n, (point, score) in enumerate(trials)
    ]
    return Standing.of(ended, Objective("val_loss", "min"), 0)


SINGLE = standing(*(({"optimizer": "sgd", "+model.x": str(n)}, score) for n, score in enumerate([0.5, None, 0.3])))
SEEDS = standing(*(({"optimizer": name, "seed": str(seed)}, 0.1 * seed + (name == "sgd")) for name in ("sgd", "adam") for seed in (1, 2)))


def test_best_first_and_failures_last() -> None:
    rows = table.ranked(SINGLE)
    assert [(row["rank"], row["trial"], row["model.x"], row["state"]) for row in rows] == [
        ("1-2", 3, "2", "FINISHED"),
        ("1-2", 1, "0", "FINISHED"),
        (None, 2, "1", "FAILED"),
    ]
    assert "optimizer" not in rows[0], "only keys that vary"
    assert [row["rank"] for row in table.by_trial(SINGLE)] == ["1 to 2", "1 to 2", None], "spreadsheets read 1-2 as a date"


def test_seeds_are_one_row_and_every_trial_is_in_the_csv() -> None:
    rows = table.ranked(SEEDS)
    assert [(row["optimizer"], row["repeats"]) for row in rows] == [("adam", 2), ("sgd", 2)] and rows[0]["mean ± 95 %"] > 0
    lines = table.as_csv(table.by_trial(SEEDS)).decode().splitlines()
    assert lines[0] == "rank,trial,optimizer,seed,val_loss,kept epoch,last,seconds,state,cause,run" and len(lines) == 5
    assert lines[1].startswith("1,2,adam,1,0.1")


def test_markdown_holds_the_same_rows() -> None:
    rows = table.by_trial(SINGLE)
    markdown = table.as_markdown(rows).splitlines()
    assert len(markdown) == len(rows) + 2 and "a\\|b" in markdown[-1]
    assert table.as_markdown([]) == ""


def test_many_keys_share_one_column() -> None:
    point = {"model.a": "1", "model.b": "2", "model.c": "3", "model.d": "4"}
    many = standing((point, 0.5), ({key: "9" for key in point}, 0.4))
    first = table.for_people(table.ranked(many))[0]
    assert list(first)[:3] == ["rank", "trial", "values"] and first["values"] == "model.a=9 model.b=9 model.c=9 model.d=9"
    assert list(table.for_people(table.ranked(SINGLE))[0])[:3] == ["rank", "trial", "model.x"]


def test_a_table_of_repeats_fits_80_columns() -> None:
    [line, *_] = table.for_people(table.ranked(SEEDS))
    assert list(line) == ["rank", "optimizer", "val_loss", "mean ± 95 %", "repeats", "kept epoch", "last", "seconds"]
    assert len("  ".join(name.replace("val_loss", "val_accuracy") for name in line)) < 80
    failed = [*SEEDS.trials, replace(SEEDS.trials[0], number=9, identity="9", score=None, state="FAILED")]
    rows = table.for_people(table.ranked(Standing.of(failed, SEEDS.objective, 0)))
    assert [row["state"] for row in rows] == ["2 FINISHED, 1 FAILED", "FINISHED"]


def test_what_differs_beside_the_configuration_has_a_column_where_something_does() -> None:
    once = SEEDS.trials[0]
    both = [replace(once, sweep=code, origin=Origin(True, "91ab44f0", code, "keras 3.12.0")) for code in ("3f2a1c00", "77ab9000")]
    found = Standing.of(both, Objective("val_loss", "min"), 0)
    assert [row["differs in"] for row in table.ranked(found)] == ["code 3f2a1c…", "code 77ab90…"]
    assert [row["differs in"] for row in table.by_trial(found)] == ["code 3f2a1c…", "code 77ab90…"]
    assert [table.name_of(found, trial) for trial in found.trials] == ["code 3f2a1c…", "code 77ab90…"]
    assert "differs in" not in table.ranked(SEEDS)[0] and "differs in" not in table.ranked(Standing.of(both[:1], found.objective, 0))[0]


def test_values_are_shown_and_not_texts() -> None:
    rows = table.ranked(standing(({"optimizer.learning_rate": "1e-2"}, 0.5), ({"optimizer.learning_rate": "1e-3"}, 0.4)))
    assert [row["optimizer.learning_rate"] for row in rows] == ["0.001", "0.01"]


def test_the_cost_of_a_row_does_not_grow_with_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, own = [], Standing.origin
    monkeypatch.setattr(Standing, "origin", lambda *given: asked.append(given) or own(*given))
    many = standing(*(({"model.units": str(units)}, 0.5) for units in range(40)))
    assert len(table.ranked(many)) == len(table.by_trial(many)) == 40
    assert len(asked) <= 2 * 40
