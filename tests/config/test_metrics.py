import inspect

import pytest

from src.config.metrics import reported_name
from src.errors import ConfigError
from src.training import runtime
from tests.conftest import checked

ACCURACY = "_target_: keras.metrics.SparseCategoricalAccuracy"


def test_names_are_those_under_which_keras_reports() -> None:
    runtime.configure(1)
    import keras

    arguments = {"num_classes": 3, "target_class_ids": [0], "recall": 0.5, "precision": 0.5, "specificity": 0.5, "sensitivity": 0.5}
    for name, kind in vars(keras.metrics).items():
        if inspect.isclass(kind) and name not in ("Metric", "MeanMetricWrapper"):
            keras.backend.clear_session(free_memory=False)  # names without a number; collecting garbage takes longer than all else
            needed = [one for one, parameter in inspect.signature(kind).parameters.items() if parameter.default is inspect.Parameter.empty]
            made = kind(**{one: arguments[one] for one in needed if one in arguments})
            assert reported_name({"_target_": f"keras.metrics.{name}"}) == made.name
    assert reported_name({"_target_": "keras.metrics.AUC", "name": "area"}) == "area"
    assert [reported_name(word) for word in ("acc", "mse", "SparseCategoricalAccuracy")] == ["acc", "mse", "SparseCategoricalAccuracy"]


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ("[accuracy,acc,acc]", "2 metrics are reported as 'acc'"),
        (f"[accuracy,{{{ACCURACY}}},{{{ACCURACY}}}]", "2 metrics are reported as 'sparse_categorical_accuracy'"),
        (f"[accuracy,{{{ACCURACY},name: loss}}]", "a metric named 'loss' would hide another figure"),
        (f"[accuracy,{{{ACCURACY},name: val_accuracy}}]", "a metric named 'val_accuracy' would hide another figure"),
        (f"[accuracy,{{{ACCURACY},name: epoch}}]", "a metric named 'epoch' would hide another figure"),
    ],
)
def test_metrics_under_one_name_are_refused(metrics: str, message: str) -> None:
    for words in ([f"training.metrics={metrics}"], ["-m", f"training.metrics=[accuracy],{metrics}"]):
        with pytest.raises(ConfigError) as told:
            checked(words)
        assert message in str(told.value)


def test_aliases_of_keras_are_objectives() -> None:
    assert checked(["training.metrics=[acc]", "objective=val_acc"]) == ["training.metrics=[acc]", "objective=val_acc"]
