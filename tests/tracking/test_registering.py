"""Registering a model: it is checked before it may be champion, and what fails leaves nothing behind."""

from collections.abc import Callable
from types import SimpleNamespace
from unittest.mock import Mock

import mlflow.pyfunc  # the attribute is loaded when it is first used, which would undo a patch
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from src.datasets.scale import Scale
from src.errors import TrialbookError
from src.models.interface import Interface
from src.tasks.classes import Classes
from src.tracking import registry as module
from src.tracking.registry import Registry
from src.tracking.served import Served
from tests.tracking.test_registry import promoted

X, WANTED = np.zeros((2, 3), np.float32), np.array([[0.25, 0.75], [0.5, 0.5]])
TASK = Classes(("a", "b"))
CONTENTS = Served(b"", {}, Interface(TASK, (2,), X[:1]), Scale(1.0, 1.0))


@pytest.fixture
def registering(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Registers a model that answers with given probabilities or a given frame, and does something with it."""

    def register(answer: object, then: Callable[[str], object] = str) -> None:
        load = Mock(side_effect=[answer] if isinstance(answer, Exception) else None)
        load.return_value.predict.return_value = (
            answer if isinstance(answer, pd.DataFrame) else TASK.answer(answer if isinstance(answer, np.ndarray) else WANTED)
        )
        monkeypatch.setattr(mlflow.pyfunc, "load_model", load)
        monkeypatch.setattr(module.served, "log_model", lambda *_: "runs:/x/champion")
        with registry.registered(
            SimpleNamespace(run_id="x", data="digits", model="digits"), CONTENTS, X, TASK.answer(WANTED), {"trialbook.why": "y"}
        ) as version:
            then(version)

    return register


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (MlflowException("broken code"), "broken code"),
        (WANTED + 0.1, "version 5 of digits differs from its run: probability by 0.1; expected at most 1e-05"),
        (WANTED * np.nan, "differs from its run: probability by nan"),
        (WANTED[:1], "differs from its run: it answers with class, probability, a, b for 1 inputs; expected"),
        (
            TASK.answer(WANTED)[["class", "a", "b"]],
            "differs from its run: it answers with class, a, b for 2 inputs; expected class, probability",
        ),
    ],
)
def test_where_registering_fails_nothing_of_it_stays(registering: Callable, registry: Registry, answer: object, message: str) -> None:
    promoted(registry, "1")
    with pytest.raises((MlflowException, TrialbookError), match=message):
        registering(answer)
    assert registry.version("digits", "challenger") is None and registry._champion("digits") == "1"
    assert {str(one.version) for one in registry._client.search_model_versions("name = 'digits'")} == {"1", "2", "3", "4"}


def test_what_is_interrupted_after_the_alias_moved_stays_champion(registering: Callable, registry: Registry) -> None:
    def interrupted(version: str) -> None:
        promoted(registry, version)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        registering(WANTED, interrupted)
    assert registry._champion("digits") == "5" and registry.version("digits", "challenger") is None


def test_a_version_says_that_it_is_not_checked_until_it_is(registering: Callable, registry: Registry) -> None:
    seen = []
    original = registry._client.create_model_version
    registry._client.create_model_version = lambda *a, **named: seen.append(named["tags"]) or original(*a, **named)
    registering(WANTED)
    assert "its promotion was killed" in seen[0]["trialbook.state"]
    assert registry._client.get_model_version("digits", "5").tags == {"trialbook.why": "y"}
    assert registry.version("digits", "challenger") is None


def test_what_can_not_be_taken_back_is_told(registering: Callable, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry._client, "delete_model_version", Mock(side_effect=MlflowException("no answer")))
    with pytest.raises(TrialbookError, match="version 5 of digits stays registered"):
        registering(WANTED + 0.1)
