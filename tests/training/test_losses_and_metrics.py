import pytest

from src.errors import ConfigError
from src.training import runtime

runtime.configure(1)
from src.training.losses_and_metrics import build_loss, build_metrics  # noqa: E402  after TensorFlow's settings

SPARSE = {"_target_": "keras.losses.SparseCategoricalCrossentropy"}
TOP = {"_target_": "keras.metrics.SparseTopKCategoricalAccuracy", "k": 3, "name": "top3"}


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "crossentropy", "SparseCategoricalCrossentropy", SPARSE])
def test_losses_of_class_numbers_pass(loss: str | dict) -> None:
    assert build_loss(loss, "classes")


@pytest.mark.parametrize("metric", ["accuracy", "acc", "sparse_top_k_categorical_accuracy", TOP])
def test_metrics_of_class_numbers_pass(metric: str | dict) -> None:
    assert len(build_metrics([metric], "classes")) == 1


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
        build_loss(loss, "classes")


@pytest.mark.parametrize("name", ["Accuracy", "AUC", "Precision", "F1Score", "MeanIoU", "CategoricalAccuracy"])
def test_other_metrics_are_refused_by_name(name: str) -> None:
    arguments = {"num_classes": 10} if name == "MeanIoU" else {}
    with pytest.raises(ConfigError, match=f"{name} does not take class numbers; expected one of accuracy, Sparse"):
        build_metrics([{"_target_": f"keras.metrics.{name}", **arguments}], "classes")


@pytest.mark.parametrize("name", ["loss", "val_accuracy"])
def test_a_metrics_name_may_not_be_that_of_another_value(name: str) -> None:
    with pytest.raises(ConfigError, match=f"a metric named '{name}' would hide another figure"):
        build_metrics([{**TOP, "name": name}], "classes")


TAKEN = {
    "binary": (
        ["binary_crossentropy", "hinge", {"_target_": "keras.losses.BinaryFocalCrossentropy"}],
        ["accuracy", "auc", "binary_accuracy"],
    ),
    "labels": (["binary_crossentropy", "mean_squared_error"], ["binary_accuracy", "auc", {"_target_": "keras.metrics.F1Score"}]),
    "numbers": (["mean_squared_error", "huber", {"_target_": "keras.losses.LogCosh"}], ["mean_absolute_error", "r2_score"]),
}
MISREAD = {
    "binary": (["sparse_categorical_crossentropy", "categorical_crossentropy"], ["sparse_categorical_accuracy", "CategoricalAccuracy"]),
    "labels": (
        ["sparse_categorical_crossentropy", {"_target_": "keras.losses.CategoricalCrossentropy"}],
        ["accuracy", "acc", "categorical_accuracy", {"_target_": "keras.metrics.Accuracy"}],
    ),
    "numbers": (["sparse_categorical_crossentropy"], ["accuracy", "acc", "binary_accuracy", {"_target_": "keras.metrics.Accuracy"}]),
}


@pytest.mark.parametrize("task", TAKEN)
def test_losses_and_metrics_of_other_tasks_pass(task: str) -> None:
    losses, metrics = TAKEN[task]
    assert all(build_loss(loss, task) for loss in losses) and len(build_metrics(metrics, task)) == len(metrics)


@pytest.mark.parametrize("task", MISREAD)
def test_what_would_misread_the_labels_is_refused_by_name(task: str) -> None:
    losses, metrics = MISREAD[task]
    message = f"does not take what data.task={task} has as labels"
    for loss in losses:
        with pytest.raises(ConfigError, match=message):
            build_loss(loss, task)
    for metric in metrics:
        with pytest.raises(ConfigError, match=message):
            build_metrics([metric], task)


def test_logits_are_only_for_numbers() -> None:
    logits = {"_target_": "keras.losses.BinaryCrossentropy", "from_logits": True}
    for task, layer in (("binary", "sigmoid"), ("labels", "sigmoid")):
        with pytest.raises(ConfigError, match=f"from_logits is not supported yet: .*expected a {layer} at its end"):
            build_loss(logits, task)


def test_a_models_own_loss_is_none() -> None:
    assert build_loss("own", "classes") is None


def test_every_output_has_a_loss_and_metrics_of_its_own() -> None:
    tasks = {"kind": "classes", "price": "numbers"}
    losses = {"kind": "sparse_categorical_crossentropy", "price": "mean_squared_error"}
    assert build_loss(losses, tasks) == losses
    assert build_metrics({"kind": ["accuracy"], "price": []}, tasks) == {"kind": ["accuracy"], "price": []}
    assert build_metrics({"kind": ["accuracy"]}, tasks) == {"kind": ["accuracy"]}, "an output may have none"
    for build, node, message in (
        (build_loss, "mean_squared_error", "training.loss=mean_squared_error: expected a mapping with kind, price"),
        (build_loss, {"kind": losses["kind"]}, "expected a mapping with kind, price"),
        (build_loss, {**losses, "prize": "mean_squared_error"}, "expected a mapping with kind, price; did you mean 'price'"),
        (build_metrics, ["accuracy"], "expected a mapping with kind, price"),
        (build_metrics, {"price": ["accuracy"]}, "accuracy does not take what data.task=numbers has as labels"),
    ):
        with pytest.raises(ConfigError, match=message):
            build(node, tasks)
    with pytest.raises(ConfigError, match=r"training\.loss: kind, price: these data have one output; expected one loss for it"):
        build_loss(losses, "classes")


def test_all_mistakes_of_several_outputs_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as told:
        build_metrics({"kind": ["AUC", "nonsense"], "price": ["accuracy"]}, {"kind": "classes", "price": "numbers"})
    assert len(told.value.mistakes) == 3
