"""Models: one file, one function `build(…) -> keras.Model`, and a YAML in conf/model/ with its arguments.

A parameter with one of these names gets its value from the data: `input_shape`, `num_classes`, `outputs`, `output_activation`, `facts`,
`data`.
"""

import inspect
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from src.config import targets
from src.datasets import trees
from src.errors import ConfigError, TrialError, did_you_mean, first_words
from src.models.interface import FROM_DATA, Interface, predict, predicted
from src.tasks import declared

if TYPE_CHECKING:
    import keras

__all__ = ["Interface", "build", "predict", "predicted"]
NOT_ARGUMENTS = ("_target_", "engine", "inactive", "compile")  # keys of a model's YAML that are no arguments of its `build`


def build(node: dict[str, Any], interface: Interface) -> "keras.Model":
    """Builds the network of a `model:` node, with all its weights. A model without weights is called with an example.

    Raises:
        ConfigError: an argument is unknown or missing, or the output does not have the shape that the task needs.
        TrialError: the code of the model raises, for example because a layer does not fit.
    """
    from src.models import adapting

    target = str(node.get("_target_"))
    arguments = {key: value for key, value in node.items() if key not in NOT_ARGUMENTS}
    function, values = targets.find("model", target), interface.arguments()
    if mistakes := _argument_mistakes(function, target, arguments, interface):
        raise ConfigError(mistakes)
    wanted = inspect.signature(function).parameters
    from_data = {name: value() for name, value in values.items() if name in wanted}
    with adapting.replaying(interface.learned) if interface.learned else nullcontext():
        model = targets.build("model", {"_target_": target, **arguments}, **from_data)
    _check(model, target, compiled=node.get("compile") is False)
    _check_output(_output(model, target, interface.example), target, interface)
    return model  # type: ignore[no-any-return]


def _argument_mistakes(function: Any, target: str, arguments: dict[str, Any], interface: Interface) -> list[str]:
    """Returns a line for each argument that `build` lacks, does not know, or receives from the data."""
    from_data = interface.arguments()
    parameters = inspect.signature(function).parameters.values()
    known = [parameter.name for parameter in parameters if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)]
    needed = [parameter.name for parameter in parameters if parameter.name in known and parameter.default is parameter.empty]
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    free = [name for name in known if name not in (*FROM_DATA, *NOT_ARGUMENTS)]
    mistakes = [f"model.{name}: it comes from the data; expected it to be left out." for name in arguments if name in FROM_DATA]
    if not takes_any:
        for name in arguments.keys() - {*known, *FROM_DATA}:
            mistakes.append(f"model: {target} has no {name!r}{did_you_mean(name, free)} Its arguments: {', '.join(free) or 'none'}")
    for name in needed:
        if name in arguments or name in from_data:
            continue
        if name in FROM_DATA:
            why = f"asks for {name}, which these data do not have; expected outputs, the shape of one prediction"
        elif name in NOT_ARGUMENTS:
            why = f"needs {name!r}; expected another name for it: this key of conf/model/ is no argument"
        else:
            why = f"needs {name!r}; expected model.{name}=…"
        mistakes.append(f"model: {target} {why}.")
    return mistakes


def _check(model: Any, target: str, *, compiled: bool) -> None:
    import keras

    if not isinstance(model, keras.Model):
        raise ConfigError([f"model: {target} gives {type(model).__name__}; expected a keras.Model."])
    if model.compiled and not compiled:
        words = "expected an uncompiled one: its optimizer comes from conf/optimizer/; or compile: false in its YAML, which keeps its own"
        raise ConfigError([f"model: {target} gives a compiled model; {words}."])
    if compiled and not model.compiled:
        raise ConfigError([f"model: its YAML says compile: false, but {target} gives an uncompiled model; expected a compiled one."])


def _output(model: "keras.Model", target: str, example: trees.Tree) -> Any:
    """Returns the shape, or shapes, of the output for a batch; first builds a model without weights by a call."""
    import keras
    import tensorflow as tf

    shape = model.output_shape if model.built and hasattr(model, "output_shape") else None
    if not isinstance(shape, tuple) or None in shape[1:]:  # for several outputs Keras gives shapes without names
        try:
            answer = model(trees.mapped(tf.constant, example), training=False)
        except Exception as error:
            raise TrialError(f"model: {target} cannot be called: {type(error).__name__}: {first_words(error)}") from error
        shape = keras.tree.map_structure(lambda output: (None, *output.shape[1:]), answer)
    if not model.built:
        raise ConfigError([f"model: {target} gives a model that has no weights after a call; expected one that is built."])
    return shape


def _check_output(shape: Any, target: str, interface: Interface) -> None:
    """Raises a ConfigError unless the output has the shape of a prediction."""
    expected = trees.over_shapes(lambda one: (None, *one), interface.outputs)
    if shape != expected:
        given, needed = (trees.text(one).replace("None", "batch") for one in (shape, expected))
        raise ConfigError([f"model: {target} gives {given}; expected {needed} for the task {declared(interface.task)}."])
