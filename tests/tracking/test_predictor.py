"""The registered model refuses what it would answer wrongly."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from src.datasets.scale import Scale
from src.models.interface import Interface
from src.tasks.classes import Classes
from src.tasks.numbers import Numbers
from src.tracking.predictor import Predictor

X = np.random.default_rng(0).random((3, 4), np.float32)
NAMED = {"age": np.zeros((1, 1), np.float32), "word": np.array(["a"])}


def predictor_of(task: Any, outputs: Any, example: Any, answer: Any, scale: Scale | None = None) -> Predictor:
    found = Predictor()
    found.interface, found.scale = Interface(task, outputs, example), scale
    found.network = SimpleNamespace(predict_on_batch=answer)
    return found


@pytest.fixture
def predictor() -> Predictor:
    """Trained on pixels from 0 to 1."""
    return predictor_of(Classes(("a", "b")), (2,), X[:1], lambda x: np.tile([0.25, 0.75], (len(x), 1)), Scale(0.5, 1.0))


def test_it_answers_by_name(predictor: Predictor) -> None:
    answer = predictor.predict(None, X)
    assert answer.to_dict("records") == [{"class": "b", "probability": 0.75, "a": 0.25, "b": 0.75}] * 3


@pytest.mark.parametrize(
    ("x", "message"), [(X * 255, "3 of 3 inputs are not scaled as in training"), (X * np.nan, "nan; expected a finite number")]
)
def test_inputs_of_another_scale_are_refused(predictor: Predictor, x: np.ndarray, message: str) -> None:
    with pytest.raises(MlflowException, match=message) as refused:
        predictor.predict(None, x)
    assert refused.value.get_http_status_code() == 400


def test_answers_that_are_no_probabilities_are_refused(predictor: Predictor) -> None:
    predictor.network = SimpleNamespace(predict_on_batch=lambda x: np.full((len(x), 1), 0.9))
    with pytest.raises(MlflowException, match=r"gives shape \(3, 1\).*expected \(3, 2\) for the task classes"):
        predictor.predict(None, X)
    predictor.network = SimpleNamespace(predict_on_batch=lambda x: np.full((len(x), 2), 9.0))
    with pytest.raises(MlflowException, match=r"gives values from 9 to 9; expected probabilities"):
        predictor.predict(None, X)


def test_several_inputs_are_taken_from_a_table_by_name() -> None:
    def answer(inputs: dict) -> np.ndarray:
        assert [one.shape for one in inputs.values()] == [(2, 1), (2,)]
        return 2 * np.asarray(inputs["age"])

    predictor = predictor_of(Numbers(("price",)), (1,), NAMED, answer)
    table = pd.DataFrame({"word": ["x", "yz"], "age": [1, 30]})
    assert predictor.predict(None, table).to_dict("records") == [{"price": 2.0}, {"price": 60.0}]
    with pytest.raises(MlflowException, match="no word among age; expected all of age, word") as refused:
        predictor.predict(None, table[["age"]])
    assert refused.value.get_http_status_code() == 400


def test_inputs_of_another_shape_are_refused(predictor: Predictor) -> None:
    for x in (X[:, :3], X[0], X[None]):
        with pytest.raises(MlflowException, match=r"the input has shape .*; expected \(n, 4\)") as refused:
            predictor.predict(None, x)
        assert refused.value.get_http_status_code() == 400
