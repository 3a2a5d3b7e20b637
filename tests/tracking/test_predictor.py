"""The registered model refuses what it would answer wrongly."""

from types import SimpleNamespace

import numpy as np
import pytest
from mlflow.exceptions import MlflowException
from src.tracking.classifier import Classifier

from src.datasets.scale import Scale

X = np.random.default_rng(0).random((3, 4), np.float32)


@pytest.fixture
def classifier() -> Classifier:
    """Trained on pixels from 0 to 1."""
    found = Classifier()
    found.names, found.scale = ["a", "b"], Scale(0.5, 1.0)
    found.network = SimpleNamespace(predict=lambda x, verbose: np.tile([0.25, 0.75], (len(x), 1)))
    return found


def test_it_answers_by_name(classifier: Classifier) -> None:
    answer = classifier.predict(None, X)
    assert answer.to_dict("records") == [{"class": "b", "probability": 0.75, "a": 0.25, "b": 0.75}] * 3


@pytest.mark.parametrize(("x", "message"), [(X * 255, "3 of 3 inputs are not scaled as in training"), (X * np.nan, "hold NaN")])
def test_inputs_of_another_scale_are_refused(classifier: Classifier, x: np.ndarray, message: str) -> None:
    with pytest.raises(MlflowException, match=message) as refused:
        classifier.predict(None, x)
    assert refused.value.get_http_status_code() == 400


def test_answers_that_are_no_probabilities_are_refused(classifier: Classifier) -> None:
    classifier.network = SimpleNamespace(predict=lambda x, verbose: np.full((len(x), 1), 0.9))
    with pytest.raises(MlflowException, match=r"gives shape \(3, 1\).*expected shape \(3, 2\)"):
        classifier.predict(None, X)
