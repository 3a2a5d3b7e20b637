"""Runs code that was written for KerasTuner, in the files that `python -m src.adopt` writes."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import keras_tuner as kt

from src.errors import ConfigError

SPARSE = {"categorical_crossentropy": "sparse_categorical_crossentropy", "categorical_accuracy": "sparse_categorical_accuracy"}


def with_values(values: Mapping[str, Any]) -> kt.HyperParameters:
    """Returns KerasTuner's hyperparameters with these values. A hyperparameter whose value is None has its own default."""
    found = kt.HyperParameters()
    found.values = {name: value for name, value in values.items() if value is not None}
    return found


def built(
    hypermodel: Callable[[Any], Any] | kt.HyperModel,
    values: Mapping[str, Any],
    *,
    numbered: bool = False,
    logits: bool = False,
    compiled_with: Mapping[str, Any] | None = None,
) -> keras.Model:
    """Builds a model from values of hyperparameters. The model keeps them as `hyperparameters`, for a `fit` of the hypermodel.

    Args:
        hypermodel: a function of hyperparameters, or an instance of KerasTuner's HyperModel.
        numbered: True if the hypermodel expects one-hot labels; its loss and metrics become those for class numbers.
        logits: True if its loss takes logits; a softmax layer is added, and the loss becomes the one for probabilities.
        compiled_with: the tuner's optimizer, loss or metrics, serialized by Keras; they replace those of the model.
    """
    hyperparameters = with_values(values)
    model = hypermodel.build(hyperparameters) if isinstance(hypermodel, kt.HyperModel) else hypermodel(hyperparameters)
    if isinstance(model, keras.Model):
        if compiled_with:
            model.compile(**_compiled(model) | _deserialized(compiled_with))
        if numbered and model.compiled:
            model.compile(**numbered_labels(model))
        if logits:
            model = _with_softmax(model)
        model.hyperparameters = hyperparameters
    return model


def takes_logits(model: keras.Model) -> bool:
    """True if the loss with which a model was compiled takes logits."""
    loss = model.loss if model.compiled else None
    return isinstance(loss, keras.losses.Loss) and bool(loss.get_config().get("from_logits"))


def _with_softmax(model: keras.Model) -> keras.Model:
    """Returns a model that outputs probabilities, with the same weights, loss and accuracy; raises a ConfigError if that is impossible."""
    arguments = _compiled(model)
    invariant = (keras.metrics.SparseCategoricalAccuracy, keras.metrics.SparseTopKCategoricalAccuracy)
    metrics = arguments.get("metrics") or []
    if not all(one in ("accuracy", "acc", "sparse_categorical_accuracy") or type(one) in invariant for one in metrics):
        raise ConfigError(["model: it gives logits, and has a metric other than accuracy; expected a softmax layer at its end."])
    if not getattr(model, "inputs", None) or len(model.outputs) != 1:
        raise ConfigError(["model: it gives logits; expected a softmax layer at its end, or a keras.Input at its beginning."])
    made = keras.Model(model.inputs[0] if len(model.inputs) == 1 else model.input, keras.layers.Softmax()(model.outputs[0]))
    made.compile(**{**arguments, "loss": type(model.loss).from_config({**model.loss.get_config(), "from_logits": False})})
    return made


def _compiled(model: keras.Model) -> dict[str, Any]:
    """Returns the arguments with which a model was compiled; the optimizer is the model's own object."""
    return _deserialized(model.get_compile_config()) | {"optimizer": model.optimizer} if model.compiled else {}


def _deserialized(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: keras.saving.deserialize_keras_object(value) for name, value in arguments.items()}


def numbered_labels(model: keras.Model) -> dict[str, Any]:
    """Returns arguments of `compile` whose loss and metrics take class numbers in place of one-hot rows.

    Raises:
        ConfigError: the loss or a metric has no such form.
    """
    arguments = _compiled(model)
    loss = arguments["loss"]
    if isinstance(loss, keras.losses.CategoricalCrossentropy):
        if loss.get_config().get("label_smoothing"):
            raise ConfigError(["model: its loss smooths one-hot labels; expected CategoricalCrossentropy without label_smoothing."])
        settings = {name: loss.get_config()[name] for name in ("from_logits", "axis") if name in loss.get_config()}
        return {**arguments, "loss": keras.losses.SparseCategoricalCrossentropy(**settings), "metrics": _sparse(arguments["metrics"])}
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", "")
    if name not in SPARSE:
        raise ConfigError([f"model: its loss {name or loss} takes one-hot labels; expected categorical_crossentropy."])
    return {**arguments, "loss": SPARSE[name], "metrics": _sparse(arguments["metrics"])}


def _sparse(metrics: Any) -> Any:
    """Returns metrics for class numbers in place of those for one-hot rows, under the same names; raises a ConfigError for others."""
    found: list[Any] = []
    for metric in metrics or ():
        if metric == "categorical_accuracy" or type(metric) is keras.metrics.CategoricalAccuracy:
            name = metric if isinstance(metric, str) else metric.name
            found.append(keras.metrics.SparseCategoricalAccuracy(name=name))
        elif metric == "categorical_crossentropy" or type(metric) is keras.metrics.CategoricalCrossentropy:
            logits = not isinstance(metric, str) and metric.from_logits
            found.append(keras.metrics.SparseCategoricalCrossentropy(name="categorical_crossentropy", from_logits=logits))
        elif type(metric) is keras.metrics.TopKCategoricalAccuracy:
            found.append(keras.metrics.SparseTopKCategoricalAccuracy(k=metric.k, name=metric.name))
        elif metric in ("accuracy", "acc"):
            found.append(metric)
        else:
            name = metric if isinstance(metric, str) else getattr(metric, "name", None) or getattr(metric, "__name__", metric)
            raise ConfigError([f"model: its metric {name} takes one-hot labels; expected accuracy, or labels that are numbers of classes."])
    return found
