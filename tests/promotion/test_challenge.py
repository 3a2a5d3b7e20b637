"""A champion that cannot be loaded blocks no promotion, and whoever reads the decision or the history is told."""

from types import SimpleNamespace

import numpy as np
import pytest

from src import promote
from src.errors import TrialbookError
from src.promotion import challenge
from src.promotion.challenge import decide
from src.promotion.gates import Gates

OPEN = Gates(min_score=None, min_gain=0.0, max_p_value=None, max_megabytes=None, max_milliseconds=None)


def candidate(run: SimpleNamespace) -> SimpleNamespace:
    scores = np.array([1.0, float(run.run_id == "new")])
    judged = {"scores": scores, "score": float(scores.mean()), "measure": "test accuracy", "interval": (0.0, 1.0)}
    digest = "other" if run.run_id == "other" else "same"
    return SimpleNamespace(run=run, **judged, finite=True, milliseconds=1.0, test_digest=digest)


def run_of(run_id: str) -> SimpleNamespace:
    return SimpleNamespace(run_id=run_id, data="digits", model="digits", megabytes=1.0, overrides="")


class Registry:
    """Whose champion is version 7, of a run that may be gone."""

    def __init__(self, gone: bool) -> None:
        self.gone = gone
        self.runs = self

    def version(self, _: str) -> SimpleNamespace:
        return SimpleNamespace(version=7, run_id="old")

    def count_opening(self, _: object) -> int:
        return 1

    def read(self, run_id: str) -> SimpleNamespace:
        if self.gone:
            raise TrialbookError(f"run={run_id}: no finished trial with a model")
        return run_of(run_id)


def test_a_champion_that_can_not_be_loaded_counts_as_none_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(challenge, "evaluate", lambda run, _: candidate(run))
    found = decide(run_of("new"), Registry(gone=True), None, OPEN)
    assert found.champion is None and found.against is None and found.old == "7" and found.reasons == []
    said: list[str] = []
    promote._tell(SimpleNamespace(say=said.append, table=lambda *_: None), found)
    assert said == ["the champion, version 7, cannot be loaded and counts as none: run=old: no finished trial with a model"]
    assert "compared with nobody, for version 7 could not be loaded: because" in challenge._how(found, "because")


def test_a_champion_that_can_be_loaded_is_compared_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(challenge, "evaluate", lambda run, _: candidate(run))
    found = decide(run_of("new"), Registry(gone=False), None, OPEN)
    assert found.unusable == "" and found.against.gain == 0.5
    assert challenge._how(found, "") == "promoted with test accuracy 1.0000"


def test_a_champion_of_another_test_split_is_not_compared_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(challenge, "evaluate", lambda run, _: candidate(run))
    with pytest.raises(TrialbookError, match=r"version 7 of digits, was trained for another test split.*tracking\.experiment=NAME"):
        decide(run_of("other"), Registry(gone=False), None, OPEN)
