"""The front of two objectives, in a standing and in its tables."""

from src.objective import Objective
from src.results import table
from src.results.conclusions import conclusions
from src.results.leaderboard import Standing, TrialResult

SIZE = Objective("model/parameters", "min")


def standing(*trials: tuple[str, float | None, float | None], second: Objective | None = SIZE) -> Standing:
    ended = [
        TrialResult(n, {"optimizer": name, "seed": str(n)}, str(n), None, "FINISHED", "", score, 1, score, 1.0, second=other)
        for n, (name, score, other) in enumerate(trials)
    ]
    return Standing.of(ended, Objective("val_accuracy", "max"), 0, second)


def front(found: Standing) -> set[str]:
    return {str(entry.point["optimizer"]) for entry, marked in zip(found.entries, found.front, strict=True) if marked}


def test_no_other_row_is_as_good_in_both_and_better_in_one() -> None:
    rows = [("best", 0.9, 5000), ("small", 0.5, 100), ("between", 0.7, 900), ("beaten", 0.6, 950), ("as good, larger", 0.9, 5001)]
    assert front(standing(*rows, ("smaller, worse", 0.4, 100), ("equal", 0.9, 5000), ("failed", None, None))) == {
        *("best", "small", "between", "equal"),
    }
    upwards = Objective("speed", "max")
    assert front(standing(("slow", 0.9, 1.0), ("fast", 0.5, 2.0), ("beaten", 0.4, 1.0), second=upwards)) == {"slow", "fast"}


def test_it_is_of_the_means_over_seeds() -> None:
    found = standing(("lucky once", 0.99, 200), ("lucky once", 0.11, 200), ("steady", 0.8, 200), ("steady", 0.8, 200))
    assert front(found) == {"steady"}
    assert any("1 of 2 rows" in line and "chance" in line for line in conclusions(found))


def test_a_row_without_the_second_has_no_place_in_it() -> None:
    found = standing(("known", 0.5, 100), ("unknown", 0.9, None))
    assert front(found) == {"known"}
    assert "1 row has no model/parameters, and no place in the front" in conclusions(found)


def test_all_tables_have_both_columns_and_the_mark() -> None:
    found = standing(("good", 0.9, 5000), ("bad", 0.8, 6000))
    first, second = table.ranked(found)
    assert (first["val_accuracy"], first["model/parameters"], first["front"]) == (0.9, 5000, True)
    shown = table.for_people([first, second])
    assert [(row["model/parameters"], row["front"]) for row in shown] == [("5000", "*"), ("6000", "")]
    assert table.as_csv(table.by_trial(found)).decode().splitlines()[1].startswith("1 to 2,0,good,0,0.9,5000,True,")
    assert "front" not in table.ranked(standing(("good", 0.9, None), second=None))[0]


def test_a_second_objective_hides_no_other_column() -> None:
    found = standing(("good", 0.9, 7.0), second=Objective("seconds", "min"))
    [row] = table.ranked(found)
    assert (row["min:seconds"], row["seconds"]) == (7.0, 1.0)
