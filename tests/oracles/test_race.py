"""The oracle `race`: who runs, who drops out, and what is said in the end."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from src.errors import ConfigError
from src.objective import Objective
from src.oracles import KnownTrial, Proposal
from src.oracles.race import FAILED, Race
from src.space import Point
from tests.oracles.conftest import Driven

SEEDS = "seed=range(1,21)"
UNITS = "model.units=8,16,32"


def noisy(means: dict[str, float], spread: float = 0.01) -> Callable[[Point], float]:
    """Units → the mean of their scores; a seed has its noise."""
    return lambda point: means[point["model.units"]] + random.Random(str(sorted(point.items()))).gauss(0, spread)


EQUAL = noisy({"8": 0.8, "16": 0.8, "32": 0.8})
ONE_AHEAD = noisy({"8": 0.8, "16": 0.8, "32": 0.9})


def places(driven: Driven) -> list[tuple[str, str]]:
    return [(point["model.units"], point["seed"]) for point in driven.points]


def said(driven: Driven) -> str:
    conclusion = driven.oracle.conclusion()
    assert conclusion
    return conclusion.text


def test_each_seed_runs_in_all_configurations_before_the_next_one(drive: Callable) -> None:
    driven = drive("race", UNITS, SEEDS).run(EQUAL)
    assert places(driven) == [(units, str(seed)) for seed in range(1, 21) for units in ("8", "16", "32")]
    assert len(driven.points) == driven.oracle.budget == 60 and driven.oracle.known_in_advance == 9
    text = "Nobody is confirmed: 3 configurations cannot be told apart after 20 fresh seeds each: "
    assert said(driven).startswith(text) and said(driven).endswith("; 60 of at most 60 runs.")


def test_before_a_look_it_waits_for_what_runs(drive: Callable) -> None:
    oracle = drive("race", UNITS, SEEDS).oracle
    proposals = [oracle.ask(number) for number in range(10)]
    assert all(proposals[:9]) and proposals[9] is None
    for number in range(8):
        oracle.tell(number, ONE_AHEAD(proposals[number].point))
        assert oracle.ask(9) is None
    oracle.tell(8, 0.6)  # the last of the leader is so bad that nobody is told apart
    assert oracle.ask(9) == Proposal({"model.units": "8", "seed": "4"})


def test_losers_drop_out_and_the_last_one_is_confirmed(drive: Callable) -> None:
    driven = drive("race", "model.units=8,16,32", SEEDS).run(noisy({"8": 0.5, "16": 0.895, "32": 0.9}))
    runs = {units: sum(place[0] == units for place in places(driven)) for units in ("8", "16", "32")}
    assert runs["8"] == 3 < runs["16"] == runs["32"]
    driven = drive("race", "model.units=8,16,32", SEEDS).run(ONE_AHEAD)
    assert len(driven.points) == 9
    mean = sum(ONE_AHEAD(point) for point in driven.points if point["model.units"] == "32") / 3
    assert said(driven).startswith(f"Confirmed: model.units=32, with val_accuracy {mean:.4f} over 3 fresh seeds, 0.0")
    assert ", the next; at most 5 % of such races name a wrong one; 9 of at most 60 runs." in said(driven)
    assert driven.oracle.conclusion().trials == tuple(n for n, point in enumerate(driven.points) if point["model.units"] == "32")


def test_a_minimized_objective(space: Callable) -> None:
    driven = Driven(Race(space(UNITS, SEEDS, "objective=val_loss"), Objective("val_loss", "min"))).run(ONE_AHEAD)
    assert {one.points[0]["model.units"] for one in driven.oracle.runners if one.out} >= {"32"}
    assert "0.9" not in said(driven)


def test_equal_for_practical_purposes(drive: Callable) -> None:
    driven = drive("race", UNITS, SEEDS, least=0.1).run(EQUAL)
    assert len(driven.points) == 9
    assert said(driven).startswith("Equal within 0.1 after 3 fresh seeds each: ") and "9 of at most 60 runs." in said(driven)
    small = drive("race", UNITS, SEEDS, least=0.0001).run(EQUAL)
    assert len(small.points) == 60 and "Nobody is confirmed" in said(small)


@pytest.mark.parametrize(("budget", "seen"), [(9, 3), (14, 3), (15, 5), (47, 13)])
def test_the_budget_ends_it(drive: Callable, budget: int, seen: int) -> None:
    driven = drive("race", UNITS, SEEDS, max_trials=budget).run(EQUAL, in_flight=2)
    assert len(driven.points) == budget == driven.oracle.budget
    assert f"cannot be told apart after {seen} fresh seeds each, and the budget ended: " in said(driven)


def test_what_ends_early_says_so(drive: Callable) -> None:
    assert "3 configurations were not compared after 0 fresh seeds each, and the race was not ended" in said(drive("race", UNITS, SEEDS))


def test_a_failed_trial_drops_its_configuration(drive: Callable) -> None:
    def score(point: Point) -> float | None:
        return None if (point["model.units"], point["seed"]) == ("32", "2") else ONE_AHEAD(point)

    driven = drive("race", UNITS, SEEDS).run(score)
    assert ("32", "3") not in places(driven) and ("16", "20") in places(driven)
    assert "; dropped for a failed trial: model.units=32; " in said(driven)
    assert [one.out for one in driven.oracle.runners] == ["", "", FAILED]
    only = drive("race", UNITS, SEEDS).run(lambda point: None if point["model.units"] != "8" else 0.5)
    assert "Nobody is confirmed: model.units=8 alone had no trial that failed" in said(only)
    nobody = drive("race", UNITS, SEEDS).run(lambda point: None, in_flight=3)
    assert "every configuration failed with some seed" in said(nobody) and nobody.oracle.conclusion().trials == ()


def test_failed_seeds_that_run_again_are_compared_at_every_look_that_they_missed(drive: Callable) -> None:
    """resume=… retry=failed: the others are ahead, and nothing more of theirs would lead to a look."""

    def score(point: Point) -> float | None:
        return None if (point["model.units"], point["seed"]) == ("32", "2") else EQUAL(point)

    before = drive("race", UNITS, SEEDS).run(score)
    after = drive("race", UNITS, SEEDS)
    failed = places(before).index(("32", "2"))
    known = [KnownTrial(n, one, "FINISHED", before.scores[n]) for n, one in enumerate(before.proposals) if n != failed]
    after.oracle.restore({}, [*known, KnownTrial(failed, before.proposals[failed], "RUNNING", None)])
    after.proposals, after.scores = list(before.proposals), dict(before.scores)
    after._tell(failed, EQUAL)
    after.run(lambda point: None if point["seed"] == "3" else EQUAL(point))
    assert ("32", "3") in places(after) and "cannot be told apart after 20 fresh seeds each: " in said(after)


def undisturbed(drive: Callable, score: Callable, in_flight: int) -> Iterator[tuple[Driven, Driven]]:
    """The whole race, and for each of its trials one that died while it ran."""
    whole = drive("race", UNITS, "seed=range(1,7)").run(score, in_flight)
    for dies_at in range(1, len(whole.proposals)):
        before = drive("race", UNITS, "seed=range(1,7)").run(score, in_flight, most=dies_at - 1)
        running = before.oracle.ask(dies_at - 1)
        after = drive("race", UNITS, "seed=range(1,7)")
        ended = [
            KnownTrial(n, one, "FAILED" if before.scores[n] is None else "FINISHED", before.scores[n])
            for n, one in enumerate(before.proposals)
        ]
        after.oracle.restore(before.oracle.state(), [*ended, *([KnownTrial(dies_at - 1, running, "RUNNING", None)] if running else [])])
        after.proposals, after.scores = [*before.proposals, *([running] if running else [])], dict(before.scores)
        if running:
            after._tell(dies_at - 1, score)
        yield whole, after.run(score)


@pytest.mark.parametrize("failing", ["", "16 2", "32 5"])
def test_after_a_death_it_is_the_same_race(drive: Callable, failing: str) -> None:
    def score(point: Point) -> float | None:
        return None if f"{point['model.units']} {point['seed']}" == failing else noisy({"8": 0.87, "16": 0.9, "32": 0.9})(point)

    for whole, after in undisturbed(drive, score, in_flight=1):
        assert after.proposals == whole.proposals and said(after) == said(whole)


def test_with_several_in_flight_it_says_the_same(drive: Callable) -> None:
    alone = drive("race", UNITS, SEEDS).run(ONE_AHEAD)
    for in_flight in (2, 4, 50):
        together = drive("race", UNITS, SEEDS).run(ONE_AHEAD, in_flight=in_flight)
        assert together.proposals == alone.proposals and said(together) == said(alone)


def test_names_say_what_the_others_do_not_have(drive: Callable) -> None:
    runners = drive("race", "optimizer=sgd,adam", "model.units=8,16", "training.epochs=3", SEEDS).oracle.runners
    assert [one.name for one in runners] == [f"optimizer={name} model.units={units}" for name in ("sgd", "adam") for units in (8, 16)]


def test_a_spread_below_the_resolution_is_not_believed(drive: Callable) -> None:
    """Three seeds with the same number of right answers each say little about the spread."""

    def score(point: Point) -> float:
        return {"8": 0.980, "16": 0.981, "32": 0.980}[point["model.units"]]

    assert len(drive("race", UNITS, SEEDS, resolution=0.0).run(score).points) == 9
    assert len(drive("race", UNITS, SEEDS, resolution=0.002).run(score).points) > 9


@pytest.mark.parametrize(
    ("words", "settings", "why"),
    [
        ((UNITS, "seed=1,2"), {}, "a configuration has 2 seeds; expected at least 3, such as seed=range"),
        ((UNITS,), {}, "a configuration has 1 seeds"),
        (("model.units=8", SEEDS), {}, "there is one configuration; expected several"),
        (("data=digits", UNITS, "data.folds=3", "data.fold=0,1,2", "seed=1,2,3"), {}, "data.fold varies, and folds share examples"),
        ((UNITS, SEEDS), {"max_trials": 8}, "oracle.max_trials=8: 3 configurations need 9 trials for the first comparison"),
    ],
)
def test_what_is_no_race_is_refused(drive: Callable, words: tuple[str, ...], settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        drive("race", *words, **settings)


def test_unequal_numbers_of_seeds_are_refused(space: Callable) -> None:
    from dataclasses import replace

    whole = space(UNITS, "seed=1,2,3,4")
    rule = (*space("model.units=8").fixed, *space("seed=4").fixed)
    with pytest.raises(ConfigError, match="configurations have from 3 to 4 seeds; expected as many of each"):
        Race(replace(whole, exclude=(rule,)), Objective("val_accuracy", "max"))
