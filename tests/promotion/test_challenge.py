"""A champion that cannot be loaded blocks no promotion, and whoever reads the decision or the history is told."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from src import promote
from src.errors import TrialbookError
from src.promotion import challenge
from src.promotion.challenge import decide
from src.promotion.gates import Gates

GATES = Gates(least=0.0, chance=0.05, min_score=None, max_megabytes=None, max_milliseconds=None)
N = 400


def subject(run: SimpleNamespace, _: object = None) -> SimpleNamespace:
    """Nine of ten answers of the run "new" are right, half of those of "old", of a constant answer one of ten."""
    right = {"new": 0.9, "old": 0.5}.get(run.run_id, 0.1)
    scores, constant = ((np.arange(N) < share * N).astype(float) for share in (right, 0.1))
    judged = {"scores": scores, "constant": constant, "score": float(scores.mean()), "measure": "test accuracy", "interval": (0.0, 1.0)}
    prepared = SimpleNamespace(data=SimpleNamespace(task=SimpleNamespace(measure="accuracy")))
    return SimpleNamespace(
        run=run, prepared=prepared, **judged, finite=True, milliseconds=1.0, split="other" if run.run_id == "other" else "same"
    )


def run_of(run_id: str) -> SimpleNamespace:
    return SimpleNamespace(run_id=run_id, data="digits", model="digits", megabytes=1.0, overrides="")


class Registry:
    """Whose champion is version 7, of a run that may be gone; or there is none."""

    def __init__(self, *, gone: bool = False, champion: bool = True) -> None:
        self.gone, self.champion = gone, champion
        self.runs = self
        self.openings: list[tuple] = []

    def version(self, _: str) -> SimpleNamespace | None:
        return SimpleNamespace(version=7, run_id="old") if self.champion else None

    def opening(self, run: SimpleNamespace, *models: str | None) -> int:
        self.openings.append((run.run_id, *models))
        return len(self.openings)

    def read(self, run_id: str) -> SimpleNamespace:
        if self.gone:
            raise TrialbookError(f"run={run_id}: no finished trial with a model")
        return run_of(run_id)


@pytest.fixture(autouse=True)
def judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(challenge, "open_split", subject)
    monkeypatch.setattr(challenge, "evaluate", lambda opened: opened)


def told(decision: challenge.Decision) -> list[str]:
    said: list[str] = []
    promote._print_decision(SimpleNamespace(say=said.append, command=said.append, table=lambda *_: None), decision)
    return said


def test_a_champion_that_can_not_be_loaded_counts_as_none_with_a_word() -> None:
    registry = Registry(gone=True)
    found = decide(run_of("new"), registry, None, GATES)
    assert found.champion is None and found.against.gain == pytest.approx(0.8) and found.old == "7" and found.reasons == []
    assert registry.openings == [("new", "same", None)]
    unusable, *_, against = told(found)
    assert unusable == "the champion, version 7, cannot be loaded and counts as none: run=old: no finished trial with a model"
    assert against.startswith("against a constant answer, 0.1000: +0.8000, 95 % between")
    assert "compared with a constant answer, because version 7 could not be loaded: because" in challenge._summary(found, "because")


def test_a_champion_that_can_be_loaded_is_compared_with() -> None:
    registry = Registry()
    found = decide(run_of("new"), registry, None, GATES)
    assert found.unusable == "" and found.against.gain == pytest.approx(0.4) and found.reasons == []
    assert registry.openings == [("new", "same", "old")]
    assert told(found)[-1].startswith("against the champion: +0.4000") and told(found)[-1].endswith(
        "opening 1 of this test split: p must be below 0.03"
    )
    assert challenge._summary(found, "") == "promoted with test accuracy 0.9000"
    assert challenge._summary(replace(found, level=None), "").endswith("; not tested against chance")


def test_a_first_model_that_is_no_better_than_a_constant_answer_is_refused() -> None:
    registry = Registry(champion=False)
    assert decide(run_of("new"), registry, None, GATES).reasons == []
    [reason] = decide(run_of("guessing"), registry, None, GATES).reasons
    assert reason == "not better than a constant answer beyond chance: p = 1 by McNemar's exact test, expected below 0.0076"
    assert decide(run_of("guessing"), registry, None, replace(GATES, chance=None)).reasons == []


def test_after_somebody_elses_promotion_the_challenger_meets_the_new_champion() -> None:
    registry = Registry(champion=False)
    before = decide(run_of("new"), registry, None, GATES)
    registry.champion = True
    again = decide(run_of("new"), registry, None, GATES, before)
    assert again.challenger is before.challenger and again.against.gain == pytest.approx(0.4) and again.opening == 2


def test_a_champion_of_another_test_split_is_not_compared_with() -> None:
    registry = Registry()
    with pytest.raises(TrialbookError, match=r"version 7 of digits, was trained for another test split.*tracking\.experiment=NAME"):
        decide(run_of("other"), registry, None, GATES)
    assert not registry.openings
