"""Models: one file, one function `build(input_shape, num_classes, *, …) -> keras.Model` (uncompiled), and a YAML in conf/model/."""

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from src.config import targets
from src.errors import ConfigError, TrialError, did_you_mean, first_words

if TYPE_CHECKING:
    import keras

NOT_ARGUMENTS = ("_target_", "engine", "inactive")  # keys of a model's YAML that its `build` is not called with


def build(node: dict[str, Any], input_shape: tuple[int, ...], num_classes: int) -> "keras.Model":
    """The network of a `model:` node, with all its weights: one that is not built yet is called on an example of zeros.

    Raises:
        ConfigError: an argument is unknown or missing, or what `build` returns can not be trained as a classifier.
        TrialError: the model's own code raises, for example because a layer does not fit.
    """
    target = str(node.get("_target_"))
    arguments = {key: value for key, value in node.items() if key not in NOT_ARGUMENTS}
    given = {"input_shape": input_shape, "num_classes": num_classes}
    if mistakes := _unfit(targets.find("model", target), target, arguments, given):
        raise ConfigError(mistakes)
    model = targets.build("model", {"_target_": target, **arguments}, **given)
    _check(model, target)
    _check_output(_output(model, target, input_shape), target, num_classes)
    return model  # type: ignore[no-any-return]


def _unfit(function: Any, target: str, arguments: dict[str, Any], given: dict[str, Any]) -> list[str]:
    """Arguments that a `build` does not take, lacks, or gets from the data."""
    parameters = inspect.signature(function).parameters.values()
    known = [one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    needed = [one.name for one in parameters if one.name in known and one.default is one.empty]
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters)
    own = [name for name in known if name not in (*given, *NOT_ARGUMENTS)]
    mistakes = [f"model.{name}: it comes from the data; expected it to be left out." for name in arguments if name in given]
    for name in arguments.keys() - {*known, *given} if not takes_any else ():
        mistakes.append(f"model: {target} has no {name!r}{did_you_mean(name, own)} Its arguments: {', '.join(own) or 'none'}")
    for name in [name for name in needed if name not in {*arguments, *given}]:
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
    """The shape, or shapes, of what a model gives for a batch; builds it where it is not built."""
    import keras

    shape = model.output_shape if model.built and hasattr(model, "output_shape") else None
    if shape is None or None in keras.tree.flatten(shape)[1:]:
        try:
            answer = model(np.zeros((1, *input_shape), np.float32), training=False)
        except Exception as error:
            raise TrialError(f"model: {target} can not be called: {type(error).__name__}: {first_words(error)}") from error
        shape = keras.tree.map_structure(lambda one: (None, *one.shape[1:]), answer)
    if not model.built:
        raise ConfigError([f"model: {target} gives a model that has no weights after a call; expected one that is built."])
    return shape


def _check_output(shape: Any, target: str, num_classes: int) -> None:
    """Raises a ConfigError unless the shape is that of a number for each class."""
    if shape != (None, num_classes) or num_classes < 2:
        raise ConfigError(
            [
                f"model: {target} gives {str(shape).replace('None', 'batch')}; expected (batch, {max(2, num_classes)}), "
                "a probability for each class. Other tasks are not supported yet."
            ]
        )
