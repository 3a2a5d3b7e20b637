"""The median rule: its decisions, a sweep of stubs that it prunes, and what is recorded and concluded of that."""

import itertools
import math
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from hydra.core.config_loader import ConfigLoader

from src import reproduce
from src.config.command_line import read_command_line
from src.errors import Cancelled, ConfigError, TrialbookError
from src.job import Job, Outcome
from src.objective import Objective
from src.oracles.grid import Grid
from src.results import scores, table
from src.results.conclusions import conclusions
from src.running import resume
from src.running.pruning import MedianRule
from src.study.store import Store
from tests.running.conftest import LOCAL, OBJECTIVE, Driven

LOSS = Objective("val_loss", "min")


def ended(rule: MedianRule, name: str, *curves: list[float]) -> MedianRule:
    """Takes note of whole trials, numbered from 0."""
    for number, curve in enumerate(curves):
        for epoch, value in enumerate(curve, 1):
            rule.epoch(number, epoch, {name: value})
        rule.tell(number, "FINISHED")
    return rule


def why(rule: MedianRule, *values: float, name: str = "val_accuracy", number: int = 100, first: int = 1) -> list[str]:
    """What the rule says of a running trial, epoch after epoch."""
    return [rule.epoch(number, epoch, {name: value}) for epoch, value in enumerate(values, first)]


FLAT = [[0.5] * 6, [0.6] * 6, [0.7] * 6, [0.8] * 6, [0.9] * 6]


def test_it_ends_what_is_worse_than_the_median_and_nothing_else() -> None:
    rule = ended(MedianRule(OBJECTIVE), "val_accuracy", *FLAT)
    assert why(rule, 0.6, 0.6, 0.6)[2] == "best 0.6 by epoch 3, median of 5 others 0.7"
    assert not any(why(rule, 0.7, 0.1, 0.1, 0.1, number=101)), "the best so far counts, and the median itself is no reason"
    assert not any(why(rule, 0.6, 0.6, number=102)), "it has too few epochs"
    assert not any(why(ended(MedianRule(OBJECTIVE), "val_accuracy", *FLAT[:4]), 0, 0, 0)), "too few have ended"


def test_a_loss_is_better_below_and_what_is_not_finite_is_worst() -> None:
    rule = ended(MedianRule(LOSS), "val_loss", [3.0] * 4, [2.0] * 4, [math.nan] * 4, [1.0] * 4, [math.inf] * 4)
    assert why(rule, 4, 4, 4, name="val_loss")[2] == "best 4 by epoch 3, median of 5 others 3"
    assert not any(why(rule, 4, math.nan, 2.9, name="val_loss", number=101))
    assert why(rule, *[math.nan] * 3, name="val_loss", number=102)[2].startswith("best inf by epoch 3")
    diverged = ended(MedianRule(LOSS), "val_loss", *[[math.nan] * 4] * 5)
    assert not any(why(diverged, math.nan, 9e9, 9e9, name="val_loss")), "it is no worse than they are"


def test_epochs_are_compared_with_the_same_epochs() -> None:
    rule = ended(MedianRule(OBJECTIVE), "val_accuracy", *[[epoch / 10 for epoch in range(1, 10)] for _ in range(5)])
    assert [bool(said) for said in why(rule, 0.1, 0.2, 0.3, 0.4, 0.45)] == [False] * 4 + [True]
    late = [bool(said) for said in why(rule, 0.5, 0.5, 0.5, number=101, first=6)]
    assert late == [False, False, True], "one that goes on from a checkpoint at epoch 5, with three epochs that were reported"
    assert not any(why(rule, 0.25, 0.3, 0.35, number=102)), "others were no better by then"


def test_one_that_begins_anew_is_judged_by_what_it_does_now() -> None:
    rule = ended(MedianRule(OBJECTIVE), "val_accuracy", *FLAT)
    assert not any(why(rule, 0.6, 0.9))
    rule.tell(100, "KILLED")
    assert not any(why(rule, 0.9, first=3)), "it went on: what it had counts"
    rule.tell(100, "KILLED")
    assert [bool(said) for said in why(rule, 0.1, 0.1, 0.1)] == [False, False, True], "it began again"


def test_a_pruned_trial_counts_at_later_epochs_too_and_a_failed_one_never() -> None:
    """Else those that are left would raise the median for each other, and hardly any trial would see its end."""
    rule = ended(MedianRule(OBJECTIVE), "val_accuracy", *FLAT)
    for number, value in enumerate([0.2] * 6, 50):
        why(rule, value, value, value, number=number)
        rule.tell(number, "PRUNED")
    assert not any(why(rule, *[0.5] * 6)), "the median of 0.2 six times and the five others"
    for number in range(60, 99):
        why(rule, 1.0, 1.0, 1.0, number=number)
        rule.tell(number, "FAILED")
    assert not any(why(rule, *[0.5] * 6, number=101))


def test_a_resumed_sweep_knows_what_it_saw_and_runs_no_pruned_trial_again(pruned: Store) -> None:
    rule = MedianRule(OBJECTIVE)
    pruned._db.execute("update trial set state = 'KILLED' where number = 6")
    rule.see(pruned.trials(), pruned.epochs())
    assert why(rule, 0.0, first=9, number=6) == [""], "it goes on, and its best so far was 0.98"
    assert why(rule, 0.0, 0.0, 0.1, number=7)[2] == "best 0.1 by epoch 3, median of 6 others 0.5687"
    again, known, _ = resume.waiting(SimpleNamespace(config=SimpleNamespace(retry="failed"), second=None), pruned)
    assert list(again) == [6] and known[5].state == "PRUNED" and known[5].score == pytest.approx(0.0875)


def test_a_trial_without_epochs_is_told_once_and_never_pruned(caplog: pytest.LogCaptureFixture) -> None:
    rule = MedianRule(OBJECTIVE)
    for number in range(9):
        assert not rule.epoch(number, 1, {"gap": 1.0})
        rule.tell(number, "FINISHED")
    assert [record.message for record in caplog.records] == [
        "trial 1 reported no val_accuracy while it ran: stop.trial=median cannot compare it"
    ]


def rising(job: Job, report: Callable, check_stop: Callable) -> Outcome:
    """A trial of eight epochs, as good as it has units, with seed 3 half as good; it is told to end as Keras trials are."""
    units, history = job.config["model"]["units"] / (200 if job.config["seed"] == 3 else 100), list[float]()
    state = "FINISHED"
    for epoch in range(1, 9):
        history.append(units * (1 - 0.5**epoch))
        report(epoch, {"val_accuracy": history[-1]})
        try:
            check_stop()
        except Cancelled:
            state = "PRUNED" if epoch < 8 else state
            break
    return Outcome(state, {"kept/val_accuracy": history[-1], "kept/epoch": len(history)}, {"val_accuracy": history}, 1.0)


@pytest.fixture
def pruned(driven: Driven) -> Store:
    """The study of a sweep in which the sixth trial of seven was pruned."""
    words = ["model.units=50,60,70,80,90,10,99", "seed=1"]
    store = driven.run(rising, *words, pruning=True).recorder.store
    store.describe(sweep_id="1", objective="max:val_accuracy")
    return store


def endless(job: Job, report: Callable, check_stop: Callable) -> Outcome:
    """As `rising`, but with ten units it trains until it is told to end."""
    if job.config["model"]["units"] > 10:
        return rising(job, report, check_stop)
    for epoch in itertools.count(1):
        report(epoch, {"val_accuracy": 0.1})
        try:
            check_stop()
        except Cancelled:
            return Outcome("PRUNED", {"kept/val_accuracy": 0.1, "kept/epoch": 1}, {"val_accuracy": [0.1] * epoch}, 1.0)
        time.sleep(0.01)
    raise AssertionError


def test_a_worker_learns_that_its_trial_is_hopeless(driven: Driven) -> None:
    rows = driven.run(endless, "model.units=10,50,60,70,80,90", executor=LOCAL, pruning=True).recorder.store.trials()
    assert [row.state for row in rows] == ["PRUNED"] + ["FINISHED"] * 5
    assert rows[0].cause.startswith("best 0.1 by epoch") and rows[0].epochs >= 3


def test_a_pruned_trial_has_a_score_and_a_tag(pruned: Store, driven: Driven) -> None:
    rows = pruned.trials()
    assert [row.state for row in rows] == ["FINISHED"] * 5 + ["PRUNED", "FINISHED"]
    assert rows[5].score == pytest.approx(0.0875) and rows[5].epochs == rows[5].kept_epoch == 3
    assert rows[5].cause == "best 0.0875 by epoch 3, median of 5 others 0.6125"
    end = next(call for kind, run, call in driven.tracker.calls if (kind, run) == ("end", "run5"))
    assert end["state"] == "FINISHED" and "trialbook.cause" not in end["tags"]
    assert end["tags"]["trialbook.pruned"] == f"at epoch 3: {rows[5].cause}"


@pytest.mark.parametrize(("whole", "told"), [(True, None), (False, 0.5)])
def test_an_oracle_that_compares_whole_trials_is_told_no_score_of_one_that_was_ended(
    whole: bool, told: float | None, driven: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`python -m src.stop trial=N` ends trials of every oracle: of a race, or a rung, such a score is no member."""
    heard = []
    monkeypatch.setattr(Grid, "compares_whole", whole)
    monkeypatch.setattr(Grid, "tell", lambda self, number, score: heard.append(score))
    driven.run(lambda *_: Outcome("PRUNED", {"kept/val_accuracy": 0.5}, {"val_accuracy": [0.5]}, 1.0), "model.units=8")
    assert heard == [told]


def test_it_is_not_reproduced_since_another_sweep_would_end_it_elsewhere() -> None:
    tags = {"trialbook.pruned": "at epoch 3: best 0.0875"}
    with pytest.raises(TrialbookError, match=r"run=77ab: pruned at epoch 3: best 0.0875\. .* python -m src.sweep seed=1"):
        reproduce._check(SimpleNamespace(tags=tags, run_id="77ab", overrides="seed=1"))


def test_its_row_has_no_rank_and_says_when_it_was_pruned(pruned: Store) -> None:
    standing = scores.standing_of([pruned], OBJECTIVE)
    *others, last = table.for_people(table.ranked(standing))
    assert (last["rank"], last["val_accuracy"], last["state"]) == ("", "0.0875", "PRUNED at 3")
    assert all(row["rank"] and row["state"] == "FINISHED" for row in others)
    assert conclusions(standing)[-1] == "1 row was pruned at the epoch in the column state: others trained longer, so there is no rank"
    assert table.by_trial(standing)[-1]["cause"].startswith("best 0.0875")


def test_a_repeat_that_was_pruned_is_left_out_of_the_mean_and_that_is_said(driven: Driven, capsys: pytest.CaptureFixture[str]) -> None:
    store = driven.run(rising, "model.units=50,60,70", "seed=1,3", pruning=True).recorder.store
    store.describe(sweep_id="1", objective="max:val_accuracy")
    assert "trial 6  model.units=70 seed=3: val_accuracy 0.3062, PRUNED: best 0.3062 by epoch 3, median" in capsys.readouterr().out
    standing = scores.standing_of([store], OBJECTIVE)
    first, *others = table.ranked(standing)
    assert (first["model.units"], first["repeats"], first["state"]) == ("70", 1, "1 FINISHED, 1 PRUNED at 3")
    assert first["val_accuracy"] == pytest.approx(0.7, abs=0.01) and [row["state"] for row in others] == ["FINISHED"] * 2
    assert len(standing.trials) == 6
    assert "1 row has pruned repeats, which its mean leaves out: such a row counts as better than none" in conclusions(standing)


OF_DIGITS = ["-m", "data=digits", "model.units=8,16"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["stop.trial=mean"], "stop.trial=mean: stop.trial is 'mean'; expected median, or null for off; did you mean 'median'?"),
        (["stop.trial=2"], "stop.trial=2: stop.trial is 2; expected median, or null for off."),
        (["stop.trial=median", "oracle=hyperband"], "stop.trial=median: oracle=hyperband decides itself which trials go on"),
        (["stop.trial=median", "oracle=asha"], "stop.trial=median: oracle=asha decides itself which trials go on"),
        (["stop.trial=median", "data.validation_split=0.1,0.2"], "stop.trial=median: scores on other data are no measure of a trial"),
        (["stop.trial=median", "oracle=race", "seed=1,2,3"], "stop.trial=median: oracle=race decides itself which trials go on"),
    ],
)
def test_what_makes_no_sense_is_told(words: list[str], told: str, loader: ConfigLoader) -> None:
    with pytest.raises(ConfigError) as error:
        read_command_line(loader, [*OF_DIGITS, *words])
    assert any(mistake.startswith(told) for mistake in error.value.mistakes), error.value.mistakes


def test_a_study_of_schema_2_is_read_and_upgraded(pruned: Store, driven: Driven, tmp_path: Path) -> None:
    pruned._db.execute("update meta set value = '2' where key = 'schema'")
    assert len(Store.open(driven.folder / "study.db").trials()) == 7
    assert Store.reopen(driven.folder / "study.db").meta()["schema"] == "3"
