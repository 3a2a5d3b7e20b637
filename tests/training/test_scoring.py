import pytest

from src.errors import ConfigError
from src.training import runtime

runtime.configure(1)
from src.training.scoring import build_loss, build_metric  # noqa: E402  after TensorFlow's settings

SPARSE = {"_target_": "keras.losses.SparseCategoricalCrossentropy"}
TOP = {"_target_": "keras.metrics.SparseTopKCategoricalAccuracy", "k": 3, "name": "top3"}


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "crossentropy", "SparseCategoricalCrossentropy", SPARSE])
def test_losses_of_class_numbers_pass(loss: str | dict) -> None:
    assert build_loss(loss)


@pytest.mark.parametrize("metric", ["accuracy", "acc", "sparse_top_k_categorical_accuracy", TOP])
def test_metrics_of_class_numbers_pass(metric: str | dict) -> None:
    assert build_metric(metric)


@pytest.mark.parametrize(
    "loss",
    [
        "mean_squared_error",
        "categorical_crossentropy",
        "categorical_generalized_cross_entropy",
        {"_target_": "keras.losses.Huber"},
        {**SPARSE, "from_logits": True},  # what the model gives is shown as probabilities
        {"_target_": "keras.metrics.SparseCategoricalCrossentropy"},  # the mean of all steps so far
        "accuracy",
        None,
    ],
)
def test_other_losses_are_refused_by_name(loss: str | dict) -> None:
    name = loss["_target_"].rpartition(".")[2] if isinstance(loss, dict) else str(loss)
    with pytest.raises(ConfigError, match=name):
        build_loss(loss)


@pytest.mark.parametrize("name", ["Accuracy", "AUC", "Precision", "F1Score", "MeanIoU", "CategoricalAccuracy"])
def test_other_metrics_are_refused_by_name(name: str) -> None:
    arguments = {"num_classes": 10} if name == "MeanIoU" else {}
    with pytest.raises(ConfigError, match=f"{name} does not take class numbers; expected one of accuracy, Sparse"):
        build_metric({"_target_": f"keras.metrics.{name}", **arguments})


@pytest.mark.parametrize("name", ["loss", "val_accuracy"])
def test_a_metrics_name_may_not_be_that_of_another_value(name: str) -> None:
    with pytest.raises(ConfigError, match=f"a metric named '{name}' would hide another figure"):
        build_metric({**TOP, "name": name})
