"""The sentences below a table."""

from dataclasses import replace

import pytest

from src.results.conclusions import conclusions
from src.results.selection import expected
from src.significance import ComparedMeans, seeds_for
from src.space.origin import Origin
from tests.results.test_leaderboard import rung, scored, standing

THREE = {"a": [0.900, 0.904, 0.908], "b": [0.899, 0.903, 0.907], "c": [0.5, 0.504, 0.508]}


def test_one_seed_each_says_that_nothing_is_known_and_which_seeds_would_tell() -> None:
    assert conclusions(standing(scored(a=[0.9], b=[0.5]))) == [
        "one seed each: nothing says how much scores vary by chance; repeat with seed=1,2,3,4"
    ]
    assert conclusions(standing(scored(a=[0.9]))) == []


def test_what_may_be_chance_and_where_the_number_comes_from() -> None:
    said, selected = conclusions(standing(scored(**THREE)))
    assert said == "differences below 0.01 may be chance: the spread between seeds is 0.004, pooled over 3 configurations with 3 seeds each"
    assert selected.startswith("selected at 0.9040, as the first of 2 that are not told apart; expect about 0.903")
    mixed, *_ = conclusions(standing(scored(**THREE, d=[0.6])))
    assert mixed.endswith("pooled over 3 configurations with 3 seeds each")
    [own] = conclusions(standing(scored(a=[0.9, 0.95, 0.85], b=[0.5, 0.5001, 0.5002])))
    assert own == "the spreads between seeds differ, 0.0001 to 0.05: two rows are compared by their own, and few seeds tell little"


def test_folds_are_no_seeds_and_validate_on_other_examples() -> None:
    trials = [replace(one, point={"optimizer": one.point["optimizer"], "data.fold": one.point["seed"]}) for one in scored(**THREE)]
    said = conclusions(standing(trials, examples=1000))
    assert "the spread between repeats is" in said[0] and not any("new examples" in line for line in said)


def test_new_examples_have_an_error_of_their_own_even_at_an_accuracy_of_1() -> None:
    [*_, line] = conclusions(standing(scored(a=[0.8866]), examples=12000))
    assert line == "all scores are of the same 12000 validation examples; on new examples of the kind ± 0.0057 (95 %)"
    [*_, line] = conclusions(standing(scored(a=[1.0]), examples=288))
    assert "± 0.0066 (95 %)" in line
    assert conclusions(standing(scored(a=[1.7]), examples=288)) == []


def test_a_row_with_one_score_of_another_model_and_failed_repeats_are_named() -> None:
    trials = [replace(one, point={**one.point, "model": "two_layer"}) for one in scored(**THREE)]
    alone = [replace(one, number=99, identity="99", point={**one.point, "model": "one_layer"}) for one in scored(d=[0.7])]
    failed = replace(trials[0], number=98, identity="98", score=None, state="FAILED")
    said = conclusions(standing([*trials, *alone, failed]))
    assert said[1] == "1 configuration has one score and no known spread, and is not compared with others"
    assert said[2] == "1 row has failed repeats, which its mean leaves out: such a row counts as better than none"


def test_groups_that_are_not_ranked_against_each_other_are_named() -> None:
    found = standing([rung(0, "0.1", 1, 0.95), rung(1, "0.2", 1, 0.5), rung(2, "0.3", 3, 0.6), rung(3, "0.4", 3, 0.9)])
    assert conclusions(found)[::2] == ["3 epochs:", "1 epoch:"]
    both = [replace(one, origin=Origin(True, data)) for data in ("91ab", "55cd") for one in scored(a=[0.9], b=[0.5])]
    assert [line for line in conclusions(standing(both)) if line.startswith("data")] == ["data 91ab:", "data 55cd:"]


def test_the_first_of_equals_is_expected_at_their_mean_and_one_far_ahead_at_its_own() -> None:
    equal = expected([1.0, 0.6, 0.3, 0.1, -0.2, -0.4, -0.6, -0.8], [1.0] * 8, 100)
    assert equal.mean < 0.4 and equal.low < 0 < equal.high
    ahead = expected([9.0, 0.6, 0.3, 0.1, -0.2, -0.4, -0.6, -0.8], [1.0] * 8, 100)
    assert ahead.mean == pytest.approx(9, abs=0.7) and ahead.high - ahead.low == pytest.approx(4, abs=0.5)
    lower = expected([-1.0, -0.6, -0.3, -0.1, 0.2, 0.4, 0.6, 0.8], [1.0] * 8, 100)
    assert lower.mean == pytest.approx(-equal.mean, abs=0.02)


def test_spreads_that_differ_are_judged_by_the_rows_themselves() -> None:
    same = ComparedMeans([1.0, 1.5, 9.0], [0.2, 0.2, 0.2], [5, 5, 5])
    assert same.alike and same.apart(0).tolist() == [False, True, True]
    other = ComparedMeans([1.0, 1.5, 4.0], [0.2, 0.2, 5.0], [5, 5, 5])
    assert not other.alike and other.apart(0).tolist() == [False, True, False]
    assert not ComparedMeans([1.0, 2.0], [0.0, 0.0], [1, 1]).known


def test_more_seeds_are_needed_for_less_and_among_more() -> None:
    assert seeds_for(2, 1, 2) < seeds_for(1, 1, 2) < seeds_for(1, 1, 20)


def test_a_table_of_a_thousand_rows_has_one_quantile(monkeypatch: pytest.MonkeyPatch) -> None:
    from src import significance

    asked, own = [], significance.range_quantile
    monkeypatch.setattr(significance, "range_quantile", lambda *given: asked.append(given) or own(*given))
    many = ComparedMeans([float(n) for n in range(1000)], [1.0] * 1000, [3] * 1000)
    assert sum(many.apart(0)) > 900 and set(asked) == {(1000, 2000)}
