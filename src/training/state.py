"""The state of a training by name: every variable of a model, of its optimizer, of its metrics, and of Keras' own random numbers.

Keras numbers its layers per process, and clones number them anew, so a variable's `path` is no name. Here a layer has the name under
which its parent holds it, and an optimizer's variable that of the attribute and of the weight that it belongs to.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras.src.random.seed_generator import global_seed_generator

Variables = dict[str, keras.Variable]
Values = dict[str, np.ndarray]
AGAIN = ("_layers", "_variables", "_trainable_variables", "_tracker")
RANDOM = "random"
LEARNING_RATE, STEPS = "optimizer/_learning_rate", "optimizer/_iterations"


def of(model: keras.Model) -> Variables:
    """All that a training changes, for a compiled and built model.

    Raises:
        ValueError: the optimizer has a variable that none of its attributes holds.
    """
    model.optimizer.build(model.trainable_variables)
    own = of_model(model)
    names = {id(variable): name for name, variable in own.items()}
    slots = of_optimizer(model.optimizer, [names[id(variable)] for variable in model.trainable_variables])
    return {**own, **slots, RANDOM: random()}


def trained(model: keras.Model) -> Variables:
    """The weights that a model's optimizer changes."""
    wanted = {id(variable) for variable in model.trainable_variables}
    return {name: variable for name, variable in of_model(model).items() if id(variable) in wanted}


def is_seed(name: str) -> bool:
    """Whether a variable of this name is the state of a random number generator."""
    return name.rpartition("/")[2].partition("#")[0] in ("seed", RANDOM)


def averages(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether an optimizer, or one within it, averages the weights of its steps."""
    return any(one.use_ema for one in (optimizer, getattr(optimizer, "inner_optimizer", optimizer)))  # Keras wraps one to scale the loss


def random() -> keras.Variable:
    """The state of `keras.random` where it is given no seed."""
    return global_seed_generator().state


def of_model(model: keras.Model) -> Variables:
    """Weights, other variables and the seeds of a model: `hidden/kernel`, `dropout/seed`."""
    return _unique(_of_layer(model, ""), set())


def of_optimizer(optimizer: keras.optimizers.Optimizer, weights: Sequence[str]) -> Variables:
    """The variables of an optimizer: `optimizer/_iterations`, `optimizer/_momentums/hidden/kernel`.

    Args:
        weights: names of the variables that it was built for, in their order.

    Raises:
        ValueError: it has a variable that none of its attributes holds.
    """
    found = _unique(_of_optimizer(optimizer, "optimizer", weights), set())
    if hidden := {id(variable) for variable in optimizer.variables} - {id(variable) for variable in found.values()}:
        raise ValueError(f"{type(optimizer).__name__} has {len(hidden)} variables that are found under none of its attributes")
    return found


def of_metrics(model: keras.Model) -> Variables:
    """The variables of a compiled model's metrics: `accuracy/total`."""
    return _unique(((f"{metric.name}/{variable.name}", variable) for metric in model.metrics for variable in metric.variables), set())


def values(variables: Variables) -> Values:
    """Copies of variables as arrays."""
    return {name: variable.numpy() for name, variable in variables.items()}


def assign(variables: Variables, given: Mapping[str, Any]) -> None:
    """Sets variables to arrays or to other variables of the same names.

    Raises:
        ValueError: a name is missing on either side, or a shape differs.
    """
    if differing := variables.keys() ^ given.keys():
        raise ValueError(f"{', '.join(sorted(differing))}: known on one side alone; expected the same variables")
    if others := [name for name, value in given.items() if tuple(value.shape) != tuple(variables[name].shape)]:
        raise ValueError(f"{others[0]}: shape {tuple(given[others[0]].shape)}; expected {tuple(variables[others[0]].shape)}")
    for name, value in given.items():
        variables[name].assign(value.value if isinstance(value, keras.Variable) else value)


def _of_layer(layer: keras.Layer, place: str) -> Iterator[tuple[str, keras.Variable]]:
    own = (*layer._trainable_variables, *layer._non_trainable_variables)
    attributes = {id(held): name for name, held in _attributes(layer) if isinstance(held, keras.Variable)}
    for variable in own:
        unnamed = re.fullmatch(r"variable(_\d+)?", variable.name)  # Keras' name for one without, counted in this process
        yield f"{place}{attributes.get(id(variable), 'variable') if unnamed else variable.name}", variable
    yield from ((f"{place}seed", generator.state) for generator in layer._seed_generators)
    named = isinstance(layer, keras.Sequential | keras.src.models.Functional)
    held = {} if named else _holders(layer)
    for child in layer._layers:
        yield from _of_layer(child, f"{place}{held.get(id(child), child.name)}/")


def _holders(layer: keras.Layer) -> dict[int, str]:
    """Sublayer → the attribute that holds it."""
    found: dict[int, str] = {}
    for attribute, held in _attributes(layer):
        for place, child in _flat(held, attribute):
            if isinstance(child, keras.Layer):
                found.setdefault(id(child), place)
    return found


def _attributes(node: Any) -> Iterator[tuple[str, Any]]:
    """The attributes of a layer or an optimizer without the lists in which Keras and TensorFlow keep the same once more."""
    return ((name, held) for name, held in vars(node).items() if name not in AGAIN and not name.startswith("_self_"))


def _of_optimizer(node: Any, place: str, weights: Sequence[str]) -> Iterator[tuple[str, keras.Variable]]:
    for attribute, held in _attributes(node):
        slots = isinstance(held, list) and len(held) == len(weights)
        for name, child in zip(weights, held, strict=True) if slots else _flat(held, ""):
            full = "/".join(filter(None, (place, attribute, name)))
            if isinstance(child, keras.Variable):
                yield full, child
            elif isinstance(child, keras.optimizers.Optimizer):
                yield from _of_optimizer(child, full, weights)


def _flat(held: Any, place: str) -> Iterator[tuple[str, Any]]:
    """What an attribute holds, itself or in lists and mappings."""
    if isinstance(held, list | tuple):
        for position, child in enumerate(held):
            yield from _flat(child, f"{place}/{position}".lstrip("/"))
    elif isinstance(held, dict):
        for key, child in held.items():
            yield from _flat(child, f"{place}/{key}".lstrip("/"))
    else:
        yield place, held


def _unique(named: Iterator[tuple[str, keras.Variable]], seen: set[int]) -> Variables:
    """Each variable once, under its first name; of equal names the later ones are numbered."""
    found: Variables = {}
    for name, variable in named:
        if id(variable) not in seen:
            seen.add(id(variable))
            count = 1
            while (full := name if count == 1 else f"{name}#{count}") in found:
                count += 1
            found[full] = variable
    return found
