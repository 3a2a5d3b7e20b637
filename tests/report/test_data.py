"""What the page of a report is made of: columns, marks, sentences, curves."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from src.objective import Objective
from src.report import data, report_of
from src.report.answer import answer, commands
from src.report.champion import champion_of
from src.report.curves import Curves
from src.report.marks import default_of
from src.results.leaderboard import Standing, TrialResult
from src.results.scores import standing_of
from src.space.origin import Origin
from tests.benchmarks.report import study
from tests.results.test_leaderboard import scored, standing

OBJECTIVE = Objective("val_accuracy", "max")
NO_CURVES = Curves([], {}, {})
META = {"sweep_id": "20260101-000000-aaaa", "name": "rates"}


def made(found: Standing, *metas: dict[str, str], curves: Curves = NO_CURVES) -> dict:
    return data.data_of(found, metas or (META,), curves, [], champion=None, running=False)


def trial(n: int, score: float | None, **point: str) -> TrialResult:
    state = "FAILED" if score is None else "FINISHED"
    named = {key.replace("__", "."): text for key, text in point.items()}
    return TrialResult(
        n, named, str(n), f"run{n}", state, "" if score else "ValueError: no", score, 2, score, 1.0 + n, "20260101-000000-aaaa"
    )


def column(found: dict, name: str) -> dict:
    return next(one for one in found["columns"] if one["name"] == name)


def test_numbers_are_numbers_on_a_logarithmic_axis_where_they_span_magnitudes_and_words_are_words() -> None:
    rates = ("0.0001", "0.01", "0.1")
    points = [{"optimizer": name, "optimizer__learning_rate": rate} for name in ("sgd", "adam") for rate in rates]
    points[0]["optimizer__momentum"] = "0.9"
    found = made(Standing.of([trial(n, n / 10, **point) for n, point in enumerate(points)], OBJECTIVE, 0))
    rate = column(found, "optimizer.learning_rate")
    assert rate["log"] and "words" not in rate and sorted(rate["values"]) == [0.0001, 0.0001, 0.01, 0.01, 0.1, 0.1]
    assert column(found, "optimizer")["words"] == ["adam", "sgd"]
    assert column(found, "optimizer.momentum")["values"] == [None] * 5 + [0.9]


def test_a_column_of_infinite_numbers_alone_has_no_values() -> None:
    found = made(Standing.of([trial(n, float("inf"), optimizer__learning_rate=f"0.0{n}") for n in range(1, 4)], OBJECTIVE, 0))
    assert column(found, "val_accuracy")["values"] == [None] * 3 and not column(found, "val_accuracy")["log"]


def test_an_axis_that_was_searched_in_the_logarithm_is_drawn_so() -> None:
    found = Standing.of([trial(n, n / 10, optimizer__learning_rate=f"0.0{n}") for n in range(1, 4)], OBJECTIVE, 0)
    space = {"axes": [["optimizer.learning_rate", {"low": 0.01, "high": 0.03, "log": True}, []]]}
    assert column(made(found, {**META, "space": json.dumps(space)}), "optimizer.learning_rate")["log"]
    assert not column(made(found), "optimizer.learning_rate")["log"]


def test_what_failed_is_there_with_its_cause() -> None:
    found = made(Standing.of([trial(0, 0.5, optimizer="sgd"), trial(1, None, optimizer="adam")], OBJECTIVE, 0))
    assert found["rows"]["state"] == ["FINISHED", "FAILED"] and found["rows"]["rank"] == [(1, 1), None]
    assert [found["trials"]["causes"][place] for place in found["trials"]["cause"]] == ["FINISHED", "FAILED ValueError: no"]


def test_of_two_objectives_the_second_is_a_column_and_the_front_is_marked() -> None:
    trials = [replace(trial(n, n / 10, optimizer=name), second=size) for n, (name, size) in enumerate([("sgd", 9.0), ("adam", 5.0)], 1)]
    found = made(Standing.of(trials, OBJECTIVE, 0, Objective("model/parameters", "min")))
    assert column(found, "model/parameters")["values"] == [5, 9] and column(found, "model/parameters")["role"] == "second"
    assert found["rows"]["marks"] == ["front", ""]
    assert any(line.endswith("objective=max:val_accuracy") for _, line in found["commands"])


def test_an_interval_is_the_rows_own_or_that_of_the_spread_of_others() -> None:
    found = made(standing(scored(a=[0.90, 0.91, 0.92], b=[0.80, 0.81, 0.82], c=[0.7])))
    assert found["rows"]["pooled"] == [0, 0, 1]
    own, _, other = found["rows"]["half"]
    assert own == pytest.approx(0.02484, abs=1e-4) and other == pytest.approx(2.776 * 0.01, abs=1e-4)
    assert made(standing(scored(a=[0.9], b=[0.8])))["rows"]["half"] == [None, None]


def test_of_several_sweeps_each_row_says_which_it_is_of() -> None:
    first, second = trial(0, 0.5, optimizer="sgd"), replace(trial(1, 0.6, optimizer="adam"), sweep="20260101-000001-bbbb")
    metas = META, {"sweep_id": "20260101-000001-bbbb", "name": ""}
    of = column(made(Standing.of([first, second], OBJECTIVE, 0), *metas), "sweep")
    assert [of["words"][place] for place in of["values"]] == ["20260101-000001-bbbb", "rates"]
    same = replace(second, identity="0", point=first.point, score=0.55)
    of = column(made(Standing.of([first, replace(same, identity="9")], OBJECTIVE, 0), *metas), "sweep")
    assert of["words"] == ["rates + 20260101-000001-bbbb"]


CONFIG = "hydra: {runtime: {choices: {optimizer: sgd}}}\noptimizer: {learning_rate: 0.01}\nseed: 42\n"


def test_the_row_of_the_defaults_is_marked_whatever_keys_others_have() -> None:
    points = [("adam", "0.01", {}), ("sgd", "0.1", {}), ("sgd", "1e-2", {}), ("sgd", "0.01", {"optimizer__clipnorm": "1"})]
    some = [trial(n, n / 10, optimizer=name, optimizer__learning_rate=rate, **more) for n, (name, rate, more) in enumerate(points)]
    found = Standing.of(some, OBJECTIVE, 0)
    marked = default_of(found, [{"base_config": CONFIG}])
    assert marked is not None and [one.number for one in marked.trials] == [2]
    assert default_of(found, [{}]) is default_of(Standing.of(some[:1], OBJECTIVE, 0), [{"base_config": CONFIG}]) is None
    without_keys = Standing.of([trial(0, 0.5), trial(1, 0.6, optimizer="adam")], OBJECTIVE, 0)
    assert default_of(without_keys, [{}]) is None


def test_the_row_of_the_champion_is_that_of_its_configuration_and_data() -> None:
    some = [replace(one, configuration=f"c{one.number}", origin=Origin(True, "91ab")) for one in scored(a=[0.9], b=[0.8])]
    found = standing(some)
    champion = champion_of(found, ("c1", "91ab"))
    assert champion is found.entries[1]
    assert champion_of(found, ("c1", "55cd")) is champion_of(found, None) is champion_of(found, ("", "")) is None


def test_the_answer_says_who_by_how_much_and_how_sure() -> None:
    far = standing(scored(a=[0.900, 0.904, 0.908], b=[0.5, 0.504, 0.508]))
    assert answer(far, far.entries[1]) == (
        "val_accuracy 0.9040 ± 0.0099 (mean of 3) by optimizer=a, 0.4 better than the defaults. It is better than the other beyond chance."
    )
    near = standing(scored(a=[0.900, 0.904, 0.908], b=[0.899, 0.903, 0.907], c=[0.5, 0.504, 0.508]))
    assert answer(near, None).endswith(
        "0.001 better than the second. 1 of 2 others is not told apart from it: the difference may be chance."
    )
    assert "0.9000 by optimizer=a, as good as the second." in answer(standing(scored(a=[0.9], b=[0.9])), None)
    assert answer(near, near.entries[0]).count("and it is the default") == 1
    assert "nothing says how much of that is chance" in answer(standing(scored(a=[0.9], b=[0.5])), None)
    assert answer(standing([trial(0, None, optimizer="sgd")]), None) == "No trial has a score."
    assert answer(standing([replace(trial(0, None, optimizer="sgd"), state="RUNNING")]), None) == "No trial has a score yet."
    assert answer(far, None, "The race says b.") == "The race says b."


def test_what_to_type_next_is_a_race_while_rows_are_not_told_apart() -> None:
    some = [replace(one, origin=Origin(True, "91ab", "3f2a")) for one in scored(a=[0.900, 0.904, 0.908], b=[0.899, 0.903, 0.907])]
    verbs = [line.split()[2] for _, line in commands(standing(some), [META])]
    assert verbs == ["src.confirm", "src.promote", "src.sweep"]
    far = [replace(one, origin=Origin(True, "91ab", "3f2a")) for one in scored(a=[0.900, 0.904, 0.908], b=[0.5, 0.504, 0.508])]
    assert commands(standing(far), [META])[0][1] == "python -m src.promote sweep=20260101-000000-aaaa"
    race = {**META, "oracle": '{"name": "race"}', "command": "python -m src.confirm"}
    assert [line.split()[2] for _, line in commands(standing(far), [race])] == ["src.promote", "src.sweep", "src.confirm"]


def unpacked(packed: dict) -> list[np.ndarray]:
    """As page/curves.js unpacks them: of each trial, shape (metrics, epochs)."""
    values = np.frombuffer(base64.b64decode(packed["values"]), "<f4")
    ends = np.cumsum([length * len(packed["names"]) for length in packed["lengths"]])
    return [part.reshape(len(packed["names"]), -1) for part in np.split(values, ends[:-1])]


def test_curves_begin_where_training_did_and_long_ones_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    some = [trial(0, 0.5, seed="0"), trial(1, 0.6, seed="1"), trial(2, None, seed="2")]
    keys = [(one.sweep, one.number) for one in some]
    long, late = np.arange(20, dtype=np.float32).reshape(2, 10), np.float32([[1, 2], [3, np.nan]])
    curves = Curves(["loss", "val_loss"], {keys[0]: long, keys[1]: late}, {keys[0]: 1, keys[1]: 5})
    packed = curves.packed(some)
    assert packed["lengths"] == [10, 2, 0] and packed["first"] == [1, 5, 1] and packed["step"] == 1
    assert np.array_equal(unpacked(packed)[1], late, equal_nan=True)
    assert curves.length(some[1]) == 6 and curves.length(some[2]) is None
    assert curves.history(some[1]) == {} and curves.history(some[0])["val_loss"] == long[1].tolist()
    monkeypatch.setattr("src.report.curves.MOST_VALUES", 8)
    thinned = curves.packed(some)
    assert thinned["step"] == 3 and unpacked(thinned)[0][0].tolist() == [0, 3, 6, 9]


def test_the_size_grows_with_the_trials_alone_and_ten_thousand_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "importances", lambda _: [])
    sizes = []
    for count in (50, 500):
        store = study(tmp_path / f"20260101-000000-{count}", count)
        sizes.append(len(report_of(standing_of([store], OBJECTIVE), [store])))
    each = (sizes[1] - sizes[0]) / 450
    assert each * 10_000 < 15e6 and sizes[0] - 50 * each < 120_000


def test_a_score_is_shown_as_the_table_shows_it() -> None:
    share = 0.8817499876022339  # float32 of 10581 / 12000: seven digits of it would be shown as 0.8818
    assert f"{data._number(share):.4f}" == f"{share:.4f}" == "0.8817" and data._number(float("nan")) is None
