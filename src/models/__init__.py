"""Models: one file, one function `build(input_shape, num_classes, *, …) -> keras.Model` (uncompiled), and a YAML in conf/model/."""

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from src.config import targets
from src.errors import ConfigError, TrialError, did_you_mean, first_words

if TYPE_CHECKING:
    import keras

NOT_ARGUMENTS = ("_target_", "engine", "inactive")  # keys of a model's YAML that are no arguments of its `build`


def build(node: dict[str, Any], input_shape: tuple[int, ...], num_classes: int) -> "keras.Model":
    """Builds the network of a `model:` node, with all its weights; a lazy model is called on an example of zeros.

    Raises:
        ConfigError: an argument is unknown or missing, or the returned model cannot be trained as a classifier.
        TrialError: the code of the model raises, for example because a layer does not fit.
    """
    target = str(node.get("_target_"))
    arguments = {key: value for key, value in node.items() if key not in NOT_ARGUMENTS}
    from_data = {"input_shape": input_shape, "num_classes": num_classes}
    if mistakes := _argument_mistakes(targets.find("model", target), target, arguments, from_data):
        raise ConfigError(mistakes)
    model = targets.build("model", {"_target_": target, **arguments}, **from_data)
    _check(model, target)
    _check_output(_output(model, target, input_shape), target, num_classes)
    return model  # type: ignore[no-any-return]


def _argument_mistakes(function: Any, target: str, arguments: dict[str, Any], from_data: dict[str, Any]) -> list[str]:
    """A line for each argument that `build` lacks, does not know, or receives from the data."""
    parameters = inspect.signature(function).parameters.values()
    known = [parameter.name for parameter in parameters if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)]
    needed = [parameter.name for parameter in parameters if parameter.name in known and parameter.default is parameter.empty]
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    free = [name for name in known if name not in (*from_data, *NOT_ARGUMENTS)]
    mistakes = [f"model.{name}: it comes from the data; expected it to be left out." for name in arguments if name in from_data]
    if not takes_any:
        for name in arguments.keys() - {*known, *from_data}:
            mistakes.append(f"model: {target} has no {name!r}{did_you_mean(name, free)} Its arguments: {', '.join(free) or 'none'}")
    for name in [name for name in needed if name not in {*arguments, *from_data}]:
        expected = "another name for it: this key of conf/model/ is no argument" if name in NOT_ARGUMENTS else f"model.{name}=…"
        mistakes.append(f"model: {target} needs {name!r}; expected {expected}.")
    return mistakes


def _check(model: Any, target: str) -> None:
    import keras

    if not isinstance(model, keras.Model):
        raise ConfigError([f"model: {target} gives {type(model).__name__}; expected a keras.Model."])
    if model.compiled:
        raise ConfigError(
            [f"model: {target} gives a compiled model; expected an uncompiled one: its optimizer comes from conf/optimizer/."]
        )


def _output(model: "keras.Model", target: str, input_shape: tuple[int, ...]) -> Any:
    """The shape, or shapes, of the output of a model for a batch. A model that is not built yet is built by a call."""
    import keras

    shape = model.output_shape if model.built and hasattr(model, "output_shape") else None
    if shape is None or None in keras.tree.flatten(shape)[1:]:
        try:
            answer = model(np.zeros((1, *input_shape), np.float32), training=False)
        except Exception as error:
            raise TrialError(f"model: {target} cannot be called: {type(error).__name__}: {first_words(error)}") from error
        shape = keras.tree.map_structure(lambda output: (None, *output.shape[1:]), answer)
    if not model.built:
        raise ConfigError([f"model: {target} gives a model that has no weights after a call; expected one that is built."])
    return shape


def _check_output(shape: Any, target: str, num_classes: int) -> None:
    """Raises a ConfigError unless the output is one number per class."""
    if shape != (None, num_classes) or num_classes < 2:
        raise ConfigError(
            [
                f"model: {target} gives {str(shape).replace('None', 'batch')}; expected (batch, {max(2, num_classes)}), "
                "a probability for each class. Other tasks are not supported yet."
            ]
        )
