"""The state of a training by name: variables of model, optimizer, metrics and random numbers.

Keras numbers layers per process, and numbers the layers of a clone anew, so a variable's `path` cannot be its name. Here a layer has the
name under which its parent holds it. A variable of an optimizer is named after its attribute and after the weight that it belongs to.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras.src.random.seed_generator import global_seed_generator

Variables = dict[str, keras.Variable]
Values = dict[str, np.ndarray]
AGAIN = ("_layers", "_variables", "_trainable_variables", "_tracker")  # attributes in which Keras and TensorFlow repeat the same objects
RANDOM = "random"
LEARNING_RATE, STEPS = "optimizer/_learning_rate", "optimizer/_iterations"


def build_optimizer(model: keras.Model) -> None:
    """Builds the optimizer of a model, once: LossScaleOptimizer would create its own variables anew each time."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def of(model: keras.Model) -> Variables:
    """Returns all variables that a training changes, for a compiled and built model.

    Raises:
        ValueError: the optimizer has a variable that none of its attributes holds.
    """
    build_optimizer(model)
    variables = of_model(model)
    names = {id(variable): name for name, variable in variables.items()}
    slots = of_optimizer(model.optimizer, [names[id(variable)] for variable in model.trainable_variables])
    return {**variables, **slots, RANDOM: random()}


def trained(model: keras.Model) -> Variables:
    """Returns the weights that a model's optimizer changes."""
    trainable = {id(variable) for variable in model.trainable_variables}
    return {name: variable for name, variable in of_model(model).items() if id(variable) in trainable}


def is_seed(name: str) -> bool:
    """True if a variable of this name is the state of a random number generator."""
    return name.rpartition("/")[2].partition("#")[0] in ("seed", RANDOM)


def averages(optimizer: keras.optimizers.Optimizer) -> bool:
    """True if an optimizer, or the one inside it, averages the weights of its steps."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # Keras wraps an optimizer to scale the loss
    return bool(optimizer.use_ema or inner.use_ema)


def random() -> keras.Variable:
    """Returns the state of `keras.random` for calls without a seed."""
    return global_seed_generator().state


def of_model(model: keras.Model) -> Variables:
    """Returns weights, other variables and seeds of a model: `hidden/kernel`, `dropout/seed`."""
    return _unique(_of_layer(model, ""))


def of_optimizer(optimizer: keras.optimizers.Optimizer, weights: Sequence[str]) -> Variables:
    """Returns the variables of an optimizer: `optimizer/_iterations`, `optimizer/_momentums/hidden/kernel`.

    Args:
        weights: names of the variables that it was built for, in the same order.

    Raises:
        ValueError: it has a variable that none of its attributes holds.
    """
    variables = _unique(_of_optimizer(optimizer, "optimizer", weights))
    if hidden := {id(variable) for variable in optimizer.variables} - {id(variable) for variable in variables.values()}:
        raise ValueError(f"{type(optimizer).__name__} has {len(hidden)} variables that are found under none of its attributes")
    return variables


def of_metrics(model: keras.Model) -> Variables:
    """Returns the variables of a compiled model's metrics: `accuracy/total`."""
    return _unique((f"{metric.name}/{variable.name}", variable) for metric in model.metrics for variable in metric.variables)


def values(variables: Variables) -> Values:
    """Returns copies of variables as arrays."""
    return {name: variable.numpy() for name, variable in variables.items()}


def assign(variables: Variables, given: Mapping[str, Any]) -> None:
    """Sets variables to arrays or to other variables of the same names.

    Raises:
        ValueError: a name is missing on either side, or a shape differs.
    """
    if differing := variables.keys() ^ given.keys():
        raise ValueError(f"{', '.join(sorted(differing))}: only on one side; expected the same variables on both")
    if others := [name for name, value in given.items() if tuple(value.shape) != tuple(variables[name].shape)]:
        raise ValueError(f"{others[0]}: shape {tuple(given[others[0]].shape)}; expected {tuple(variables[others[0]].shape)}")
    for name, value in given.items():
        variables[name].assign(value.value if isinstance(value, keras.Variable) else value)


def _of_layer(layer: keras.Layer, place: str) -> Iterator[tuple[str, keras.Variable]]:
    """Yields (name, variable) for a layer and all layers inside it."""
    attributes = {id(held): name for name, held in _attributes(layer) if isinstance(held, keras.Variable)}
    for variable in (*layer._trainable_variables, *layer._non_trainable_variables):
        name = variable.name
        if re.fullmatch(r"variable(_\d+)?", name):  # Keras' name for a variable without one, counted in this process
            name = attributes.get(id(variable), "variable")
        yield f"{place}{name}", variable
    for generator in layer._seed_generators:
        yield f"{place}seed", generator.state
    names_children = isinstance(layer, keras.Sequential | keras.src.models.Functional)
    holders = {} if names_children else _holders(layer)
    for child in layer._layers:
        yield from _of_layer(child, f"{place}{holders.get(id(child), child.name)}/")


def _holders(layer: keras.Layer) -> dict[int, str]:
    """Returns the id of each sublayer → the attribute that holds it."""
    holders: dict[int, str] = {}
    for attribute, held in _attributes(layer):
        for place, child in _flat(held, attribute):
            if isinstance(child, keras.Layer):
                holders.setdefault(id(child), place)
    return holders


def _attributes(node: Any) -> Iterator[tuple[str, Any]]:
    """Returns (name, value) of a layer's or optimizer's attributes, without the lists in AGAIN."""
    return ((name, held) for name, held in vars(node).items() if name not in AGAIN and not name.startswith("_self_"))


def _of_optimizer(node: Any, place: str, weights: Sequence[str]) -> Iterator[tuple[str, keras.Variable]]:
    """Yields (name, variable) for an optimizer and an optimizer inside it."""
    for attribute, held in _attributes(node):
        one_per_weight = isinstance(held, list) and len(held) == len(weights)
        children = zip(weights, held, strict=True) if one_per_weight else _flat(held, "")
        for name, child in children:
            full_name = "/".join(filter(None, (place, attribute, name)))
            if isinstance(child, keras.Variable):
                yield full_name, child
            elif isinstance(child, keras.optimizers.Optimizer):
                yield from _of_optimizer(child, full_name, weights)


def _flat(held: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yields (place, object) for everything that an attribute holds, also in lists and mappings."""
    if isinstance(held, list | tuple):
        for position, child in enumerate(held):
            yield from _flat(child, f"{place}/{position}".lstrip("/"))
    elif isinstance(held, dict):
        for key, child in held.items():
            yield from _flat(child, f"{place}/{key}".lstrip("/"))
    else:
        yield place, held


def _unique(named: Iterator[tuple[str, keras.Variable]]) -> Variables:
    """Returns each variable once, under its first name; numbers the later ones of equal names."""
    unique: Variables = {}
    seen = set()
    for name, variable in named:
        if id(variable) in seen:
            continue
        seen.add(id(variable))
        unique_name, count = name, 1
        while unique_name in unique:
            count += 1
            unique_name = f"{name}#{count}"
        unique[unique_name] = variable
    return unique
