"""What a model says of the test split is judged only where it is a probability per class, of examples that fit."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from src.datasets import Dataset
from src.errors import TrialbookError
from src.promotion import evaluation
from src.promotion.evaluation import Candidate, evaluate, open_split
from src.tasks import Task
from src.tasks.classes import Classes
from src.tasks.numbers import Numbers
from src.training import Schedule

X, Y = np.ones((6, 3), np.float32), np.arange(6) % 2
CLASSES = Classes(("a", "b"))


def evaluated(monkeypatch: pytest.MonkeyPatch, answer: np.ndarray, y: np.ndarray = Y, task: Task = CLASSES) -> Candidate:
    """What is said of a model that gives an answer on the test examples (X, y)."""
    data = Dataset(X, task.encoded(Y), np.arange(4), np.arange(4, 6), task, lambda: (X, y))
    model = SimpleNamespace(predict_on_batch=lambda x: answer[: len(x)])
    config = {"data": {"_target_": "src.datasets.mine.load"}}
    prepared = SimpleNamespace(data=data, model=model, config=config, schedule=Schedule(1, 32, 1000, None, "best"))
    monkeypatch.setattr(evaluation, "rebuild", lambda *_: prepared)
    return evaluate(open_split(SimpleNamespace(run_id="r1"), None))


def test_the_accuracy_is_that_of_the_most_probable_class(monkeypatch: pytest.MonkeyPatch) -> None:
    assert evaluated(monkeypatch, np.eye(2)[Y]).score == 1


@pytest.mark.parametrize("answer", [np.full((6, 1), 0.9), np.full(6, 0.9), np.full((6, 3), 0.3)])
def test_another_answer_is_refused_by_name(answer: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = re.escape(f"gives shape {answer.shape} for 6 examples; expected (6, 2) for the task classes")
    with pytest.raises(TrialbookError, match=f"run r1 cannot be used: the model {shape}"):
        evaluated(monkeypatch, answer)


def test_an_answer_that_is_no_probability_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    message = r"run r1 cannot be used: the model gives values from 7 to 7; expected probabilities\. End it in a softmax layer"
    with pytest.raises(TrialbookError, match=message):
        evaluated(monkeypatch, np.full((6, 2), 7.0))


def test_a_test_split_of_other_labels_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TrialbookError, match=r"run r1 cannot be used: src\.datasets\.mine\.load, the test split:\n  y holds labels"):
        evaluated(monkeypatch, np.eye(2)[Y], Y + 5)


def test_a_model_of_numbers_is_judged_by_its_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    prices = np.arange(6, dtype=float)
    found = evaluated(monkeypatch, prices[:, None] + 0.5, prices, Numbers(("price",)))
    assert found.measure == "test negative mean squared error" and found.score == -0.25 and found.scores.shape == (6,)
    assert found.finite and not evaluated(monkeypatch, np.full((6, 1), np.nan), prices, Numbers(("price",))).finite


def test_the_examples_of_the_test_split_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    first, again, other = (evaluated(monkeypatch, np.eye(2)[Y], y) for y in (Y, Y.copy(), 1 - Y))
    assert first.split == again.split != other.split


def test_the_constant_answer_is_learned_from_the_training_split(monkeypatch: pytest.MonkeyPatch) -> None:
    prices = np.arange(6, dtype=float)
    found = evaluated(monkeypatch, prices[:, None], prices, Numbers(("price",)))
    assert found.constant.tolist() == [-((price - 0.5) ** 2) for price in prices], "labels 0, 1, 0, 1 have the mean 0.5"
    assert evaluated(monkeypatch, np.eye(2)[Y]).constant.tolist() == [1, 0, 1, 0, 1, 0]
