from dataclasses import replace

import pytest
from scipy.stats import t, tukey_hsd

from src.objective import Objective
from src.results import table
from src.results.conclusions import conclusions
from src.results.leaderboard import Standing, TrialResult
from src.space import Point
from src.space.origin import Origin

ACCURACY, LOSS = Objective("val_accuracy", "max"), Objective("val_loss", "min")


def scored(**scores: list[float]) -> list[TrialResult]:
    """`adam=[0.8, 0.9]`: two seeds of optimizer=adam."""
    pairs = [(name, seed, score) for name, values in scores.items() for seed, score in enumerate(values)]
    return [
        TrialResult(n, {"optimizer": name, "seed": str(seed)}, str(n), None, "FINISHED", "", score, 1, score, 1.0)
        for n, (name, seed, score) in enumerate(pairs)
    ]


def standing(trials: list[TrialResult], objective: Objective = ACCURACY, examples: int = 0) -> Standing:
    return Standing.of(trials, objective, examples)


def test_seeds_are_one_entry_with_mean_and_interval() -> None:
    [entry] = standing(scored(adam=[0.80, 0.82, 0.87])).entries
    assert entry.point == {"optimizer": "adam"}
    assert entry.mean == pytest.approx(0.83)
    low, high = t.interval(0.95, 2, loc=entry.mean, scale=entry.spread / 3**0.5)
    assert (entry.mean - entry.interval, entry.mean + entry.interval) == pytest.approx((low, high))


def test_folds_are_repeats_like_seeds() -> None:
    trials = [replace(one, point={**one.point, "data.fold": one.point["seed"]}) for one in scored(adam=[0.80, 0.82, 0.87], sgd=[0.5])]
    entries = standing(trials).entries
    assert [(entry.point, len(entry.trials)) for entry in entries] == [({"optimizer": "adam"}, 3), ({"optimizer": "sgd"}, 1)]


def test_scores_of_other_folds_are_of_other_examples_and_not_ranked_against_each_other() -> None:
    ones = scored(adam=[0.80, 0.81], sgd=[0.90, 0.91], failed=[0.85, None], half=[0.99])
    found = standing([replace(one, point={**one.point, "data.fold": one.point["seed"]}) for one in ones])
    assert [(entry.point["optimizer"], entry.folds) for entry in found.entries] == [
        ("sgd", (0, 1)), ("failed", (0, 1)), ("adam", (0, 1)), ("half", (0,))
    ]  # fmt: skip
    assert [len(group.entries) for group in found.groups] == [3, 1] and found.ranks[-1] == "1"
    assert [row["folds"] for row in table.ranked(found)] == ["0, 1", "0, 1", "0, 1", "0"]
    assert "folds 0, 1:" in conclusions(found)


def test_the_direction_decides_who_is_first() -> None:
    trials = scored(sgd=[0.3], adam=[0.5])
    assert [entry.point["optimizer"] for entry in standing(trials).entries] == ["adam", "sgd"]
    assert [entry.point["optimizer"] for entry in standing(trials, LOSS).entries] == ["sgd", "adam"]


def test_a_rank_is_a_range_from_what_is_significantly_better_to_what_is_worse() -> None:
    a, b, c = [0.880, 0.884, 0.888], [0.879, 0.883, 0.889], [0.850, 0.851, 0.852]
    found = standing(scored(a=a, b=b, c=c))
    assert found.ranks == ["1-2", "1-2", "3"]
    assert tukey_hsd(a, b, c).pvalue[0, 1] > 0.05 > max(tukey_hsd(a, b, c).pvalue[:2, 2])


def test_a_row_between_two_that_differ_shares_the_ranks_of_both() -> None:
    found = standing(scored(a=[0.90, 0.91, 0.92, 0.93], b=[0.88, 0.89, 0.90, 0.91], c=[0.86, 0.87, 0.88, 0.89]))
    assert found.ranks == ["1-2", "1-3", "2-3"]


def test_a_score_that_is_no_number_shares_no_rank() -> None:
    assert standing(scored(a=[0.9], b=[float("nan")])).ranks == ["1", "2"]


def test_one_seed_each_tells_nothing_apart() -> None:
    assert standing(scored(a=[0.9], b=[0.5], c=[0.1]), examples=12000).ranks == ["1-3"] * 3


def test_one_seed_is_judged_by_the_spread_of_the_same_model_alone() -> None:
    trials = scored(a=[0.900, 0.901, 0.902, 0.903], b=[0.5])
    assert standing(trials).ranks == ["1", "2"]
    other = [replace(one, point={**one.point, "model": "two_layer" if n < 4 else "one_layer"}) for n, one in enumerate(trials)]
    assert standing(other).ranks == ["1-2", "1-2"]


def test_equal_scores_without_spread_are_equal() -> None:
    assert standing(scored(a=[0.5, 0.5], b=[0.5, 0.5], c=[0.4, 0.4])).ranks == ["1-2", "1-2", "3"]


def test_counts_that_agree_by_luck_claim_nothing() -> None:
    lucky = scored(a=[0.99, 0.99], b=[0.98, 0.98])
    assert standing(lucky).ranks == ["1", "2"] and standing(lucky, examples=100).ranks == ["1-2", "1-2"]
    assert not standing(lucky, LOSS, examples=100).groups[0].of_shares
    assert standing(scored(a=[0.25, 0.5]), Objective("top3", "max"), examples=12).groups[0].of_shares
    assert not standing(scored(a=[0.2513, 0.5]), Objective("top3", "max"), examples=12).groups[0].of_shares


def test_failed_seeds_make_no_row_better() -> None:
    trials = scored(a=[0.90, 0.91, 0.92, 0.5], b=[0.80, 0.81, 0.82], c=[0.70, 0.71, 0.72])
    assert standing(trials[:3] + trials[4:]).ranks == ["1", "2", "3"]
    trials[3] = replace(trials[3], score=None, state="FAILED")
    assert standing(trials).ranks == ["1-3", "1-2", "2-3"]
    trials[3] = replace(trials[3], state="KILLED")
    assert standing(trials).ranks == ["1", "2", "3"], "an interruption is no failure of the configuration"


def rung(number: int, rate: str, epochs: int, score: float | None, **more: float) -> TrialResult:
    point = {"optimizer.learning_rate": rate, "training.epochs": str(epochs)}
    state = "FINISHED" if score is not None else "FAILED"
    return TrialResult(number, point, str(number), None, state, "", score, 1, score, 10.0, rung=epochs, **more)


def test_rungs_of_hyperband_are_one_row_and_ranked_within_equal_epochs() -> None:
    found = standing([rung(0, "0.1", 1, 0.95), rung(1, "0.2", 1, 0.5), rung(2, "0.3", 1, 0.6), rung(3, "0.1", 3, 0.9, before=10.0)])
    assert [(entry.values["optimizer.learning_rate"], entry.epochs, len(entry.all)) for entry in found.entries] == [
        (0.1, 3, 2),
        (0.3, 1, 1),
        (0.2, 1, 1),
    ]
    assert found.ranks == ["1", "1-2", "1-2"] and found.best.score == 0.9
    assert [entry.seconds for entry in found.entries] == [20, 10, 10] and len(found.trials) == 4


def test_a_longer_rung_that_failed_leaves_the_score_of_the_shorter() -> None:
    [entry] = standing([rung(0, "0.1", 1, 0.5), rung(1, "0.1", 3, None, before=10.0)]).entries
    assert (entry.epochs, entry.scores, entry.failed) == (1, [0.5], 1)


def test_failures_are_part_of_their_configuration_and_come_last() -> None:
    trials = scored(a=[0.8, 0.8], b=[0.9], c=[0.7])
    trials[1] = replace(trials[1], score=None, state="FAILED", cause="no")
    trials[3] = replace(trials[3], score=None, state="FAILED", cause="no")
    found = standing(trials)
    assert [(entry.point["optimizer"], len(entry.trials), len(entry.unscored)) for entry in found.entries] == [
        ("b", 1, 0),
        ("a", 1, 1),
        ("c", 0, 1),
    ]
    assert found.ranks[-1] is None and found.causes == {"FAILED no": 2} and found.best.score == 0.9


def test_the_same_trial_of_two_sweeps_counts_once() -> None:
    once = scored(a=[0.8])
    assert [len(entry.trials) for entry in standing([*once, *once]).entries] == [1]


def test_a_trial_that_failed_in_one_sweep_and_finished_in_another_has_its_score() -> None:
    [finished] = scored(a=[0.8])
    failed = replace(finished, state="FAILED", score=None, sweep="another")
    for trials in ([failed, finished], [finished, failed]):
        [entry] = standing(trials).entries
        assert list(entry.scores) == [0.8] and not entry.unscored


def recorded(number: int, score: float | None, origin: Origin, sweep: str = "1", **values: object) -> TrialResult:
    """A trial whose override names its dropout alone."""
    everything = {"data": "digits", "model.dropout": 0.0, "training.epochs": 20, "seed": number} | {
        key.replace("_", "."): value for key, value in values.items()
    }
    configuration = str(sorted((key, value) for key, value in everything.items() if key != "seed"))
    state = "FINISHED" if score is not None else "FAILED"
    point = {"model.dropout": str(everything["model.dropout"])}
    ended = TrialResult(number, point, f"{configuration} {number}", None, state, "", score, 1, score, 1.0)
    return replace(ended, sweep=sweep, configuration=configuration, recorded=everything, origin=origin)


OLD, NEW, OTHER = (Origin(True, data, code, "keras 3.12.0") for data, code in (("91ab", "3f2a"), ("91ab", "77ab"), ("55cd", "3f2a")))


@pytest.mark.parametrize("other", [NEW, OTHER, replace(OLD, packages="keras 3.13.0"), replace(OLD, code="")])
def test_results_of_other_code_data_or_packages_are_never_pooled(other: Origin) -> None:
    found = standing([recorded(1, 0.8, OLD), recorded(2, 0.82, OLD), recorded(1, 0.9, other, "2"), recorded(3, 0.92, other, "2")])
    assert sorted(entry.scores for entry in found.entries) == [[0.8, 0.82], [0.9, 0.92]]
    said = {found.origin(entry) for entry in found.entries}
    assert len(said) == 2 and all(said) and len({trial.key for trial in found.trials}) == 4


def test_results_on_different_data_are_not_ranked_against_each_other() -> None:
    found = standing([recorded(1, 0.5, OLD), recorded(1, 0.9, OTHER, model_dropout=0.5), recorded(2, 0.4, OLD, model_dropout=0.5)])
    assert [(entry.scores, rank) for entry, rank in zip(found.entries, found.ranks, strict=True)] == [
        ([0.5], "1-2"),
        ([0.4], "1-2"),
        ([0.9], "1"),
    ]
    assert [len(entries) for entries in found.by_data] == [2, 1] and found.best.score == 0.5


def test_the_same_trial_counts_once_however_it_was_written() -> None:
    once, again = recorded(1, 0.8, OLD), replace(recorded(1, 0.8, OLD, "2"), point={"model.dropout": "0.00"})
    found = standing([once, again, replace(recorded(2, 0.7, OLD, "2"), point={})])
    assert [len(entry.trials) for entry in found.entries] == [2] and found.keys == []


def test_a_default_that_changed_is_another_configuration_and_its_command_says_so() -> None:
    found = standing([recorded(1, 0.8, OLD), recorded(2, 0.9, OLD, "2", training_epochs=30)])
    assert found.keys == ["training.epochs"]
    assert [found.words(entry) for entry in found.entries] == [
        ["model.dropout=0.0", "training.epochs=30"],
        ["model.dropout=0.0", "training.epochs=20"],
    ]


def test_a_failure_before_the_data_were_known_belongs_to_its_configuration() -> None:
    found = standing([recorded(1, 0.8, OLD), recorded(2, None, replace(OLD, data="")), recorded(3, None, replace(NEW, data=""))])
    assert [(len(entry.trials), len(entry.unscored)) for entry in found.entries] == [(1, 1), (0, 1)]


def test_what_was_not_recorded_is_pooled_by_values_of_overrides() -> None:
    texts = ("0.01", "1e-2", "'0.01'")
    found = standing(
        [replace(one, point=Point.read({"+model.x": text})) for one, text in zip(scored(a=[0.8, 0.9, 0.7]), texts, strict=True)]
    )
    assert [len(entry.trials) for entry in found.entries] == [2, 1]
