"""Adopts a hypermodel: creates the files that make it a model in conf/, and its search a file in sweeps/."""

import contextlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import keras
import keras_tuner as kt
import numpy as np

from src import adopted
from src.adopting import modules
from src.adopting.data import Data, data_of, shown
from src.adopting.discovery import Found, discover
from src.adopting.examples import first_example
from src.adopting.question import key_of, kind_of, objective_of, sweep_file
from src.adopting.recording import Script
from src.adopting.tuners import Search
from src.config.paths import ROOT
from src.datasets import trees
from src.datasets.npz import inputs_of
from src.errors import ConfigError, raised_at
from src.training import SCHEDULED, Schedule

FEW = 64  # examples with which the hypermodel's own `fit` is tried
FIT_TRIES = 8
T = TypeVar("T")
Hypermodel = Any  # a function of hyperparameters, or a kt.HyperModel


@dataclass(frozen=True)
class Adoption:
    """The files of an adopted search.

    Attributes:
        files: path → content; files of conf/, src/ and sweeps/ below this repository, the data below the current directory.
        found: lines for people about what was found.
        left_out: lines about the parts that a sweep cannot express.
    """

    files: dict[Path, bytes]
    found: list[str]
    left_out: list[str]


def adopt(words: str, name: str) -> Adoption:
    """Runs a script up to its search, builds its hypermodel a few times, and returns the files to write.

    Args:
        words: FILE.py:NAME.
        name: name of the model, the sweep and the data.

    Raises:
        ConfigError: the script fails, or cannot be adopted.
    """
    script = Script.read(words)
    search, others = script.search()
    hypermodel = script.hypermodel()
    if search:
        _check_same(script, hypermodel, search.hypermodel)
    settings = search.settings if search else {}
    given = settings.get("hyperparameters") or getattr(settings.get("oracle"), "hyperparameters", None)
    closed = settings.get("tune_new_entries") is False
    overrides = {key: keras.saving.serialize_keras_object(settings[key]) for key in ("optimizer", "loss", "metrics") if settings.get(key)}
    own_fit = isinstance(hypermodel, kt.HyperModel) and type(hypermodel).fit is not kt.HyperModel.fit
    build = hypermodel.build if isinstance(hypermodel, kt.HyperModel) else hypermodel
    built = _tried(script, lambda: discover(build, given, closed=closed))
    model = _built(script, hypermodel, built, overrides, search)
    data = data_of(search.arguments, search.test, model) if search else None
    numbered = bool(data and data.numbered)
    logits = _takes_logits(words, data, model) if data and not own_fit else False
    if logits:
        _built(script, hypermodel, built, overrides, search, numbered=numbered, logits=True)
    of_fit: list[Found] = []
    if own_fit:
        if not search or not data:
            expected = f"expected a tuner of it, and tuner.search(…), in {script.path}."
            raise ConfigError([f"{words}: its fit needs the data of a search; {expected}"])
        known, fit = {one.name for one in built}, _short_fit(hypermodel, build, search, data)
        everything = _tried(script, lambda: discover(fit, given, closed=closed, most=FIT_TRIES, known=known))
        of_fit = [one for one in everything if one.name not in known]
    elif not model.compiled:
        raise ConfigError([f"{words} gives a model that is not compiled; expected model.compile(…) in it."])
    is_class = script.target == type(hypermodel).__name__
    module = modules.Module(words, name, script, is_class, built, of_fit, overrides, numbered, logits)
    adoption = _adoption(module, search, data, compiled=model.compiled, own_fit=own_fit)
    unsearched = [] if search else [f"line {one.line}: {_unnamed(one)}" for one in others]
    return replace(adoption, left_out=[*adoption.left_out, *unsearched, *script.local_imports()])


def _takes_logits(words: str, data: Data, model: keras.Model) -> bool:
    """Returns True if the loss of a model takes logits; a softmax layer is then added to the model."""
    if data.numbered:
        adopted.numbered_labels(model)  # raises ConfigError if the loss cannot take class numbers
    logits = adopted.takes_logits(model)
    if logits and data.task != "classes":
        raise ConfigError([f"{words} gives logits; expected a sigmoid layer at its end, and a loss without from_logits."])
    return logits


def _adoption(module: modules.Module, search: Search | None, data: Data | None, *, compiled: bool, own_fit: bool) -> Adoption:
    name = module.name
    axes = {key_of(one.name, of_fit=False): one for one in module.built} | {key_of(one.name, of_fit=True): one for one in module.of_fit}
    _check_names(axes, [*module.built, *module.of_fit])
    if all(one.kind == "Fixed" for one in axes.values()):
        raise ConfigError([f"{module.words} has no hyperparameter that varies; expected hp.Int(…), hp.Choice(…) or the like in it."])
    path = f"mlruns/adopted/{name}.npz"
    content, left_out = sweep_file(name, path, search, data, axes)
    files = {
        ROOT / f"conf/model/{name}.yaml": modules.model_yaml(module, compiled=compiled, own_fit=own_fit),
        ROOT / f"src/models/{name}.py": modules.model(module),
        ROOT / f"sweeps/{name}.yaml": modules.sweep_yaml(module, content),
    }
    if own_fit and search:
        files[ROOT / f"src/training/{name}.py"] = modules.engine(module, search, data, objective_of(search))
        arguments = "x, y, validation_data, epochs, batch_size and the callbacks of a trial"
        unused = [key for key in ("sample_weight", "class_weight") if search.arguments.get(key) is not None]
        left_out += [f"{key}: the fit of the hypermodel gets {arguments}" for key in unused]
    if data:
        npz = io.BytesIO()
        np.savez_compressed(npz, **data.arrays)  # type: ignore[arg-type]
        files[Path(path)] = npz.getvalue()
    return Adoption(files, _lines(search, data, axes), left_out)


def _unnamed(other: Search) -> str:
    """Returns a line about a search whose hypermodel has no name in the script."""
    found = other.hypermodel
    return f"a search of {getattr(found, '__name__', type(found).__name__)}; expected a name for it, NAME = …, and its FILE.py:NAME"


def _check_same(script: Script, made: Any, searched: Any) -> None:
    """Raises ConfigError if the hypermodel that a trial creates differs from the one that the script searched."""
    if not isinstance(made, kt.HyperModel):
        return
    ours, theirs = _plain_attributes(made), _plain_attributes(searched)
    if ours != theirs:
        names = [name for name in theirs if ours.get(name, "None") != theirs[name]]
        words = f"{script.path}:{script.target}: the script searches one with another {', '.join(names)} than {script.target}() has"
        raise ConfigError([f"{words}; expected a name for that instance, and FILE.py:NAME"])


def _plain_attributes(instance: Any) -> dict[str, str]:
    """Returns the attributes of an instance that are numbers, texts or collections, in Python's notation."""
    plain = (bool, int, float, str, tuple, list, dict, set, type(None))
    return {name: repr(value) for name, value in getattr(instance, "__dict__", {}).items() if isinstance(value, plain)}


def _tried(script: Script, attempt: Callable[[], T]) -> T:
    """Calls a function; turns its exceptions into a ConfigError with the line of the script."""
    try:
        return attempt()
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError([f"{script.path}:{script.target}: {type(error).__name__}: {error}  ({raised_at(error)})"]) from error


def _built(
    script: Script, hypermodel: Hypermodel, built: list[Found], overrides: Mapping[str, Any], search: Search | None, **options: bool
) -> keras.Model:
    """Returns the model of the defaults; calls it with an example of the search if it has no input shape."""
    values = {one.name: one.parameter.default for one in built}
    model = adopted.built(hypermodel, values, compiled_with=overrides, **options)
    if not isinstance(model, keras.Model):
        raise ConfigError([f"{script.path}:{script.target} gives {type(model).__name__}; expected a keras.Model."])
    if search and not model.built and search.arguments.get("x") is not None:
        _tried(script, lambda: model(first_example(search.arguments["x"])))
    return model


def _short_fit(hypermodel: Any, build: Callable[[Any], keras.Model], search: Search, data: Data) -> Callable[[kt.HyperParameters], None]:
    """Returns a function that builds a model and trains it on a few examples, with the arguments of the search."""
    from src.training.hypermodel import arguments_of

    train = _examples(data.arrays, "train")
    validation = _examples(data.arrays, "validation") if "y_validation" in data.arrays else train
    schedule = Schedule(epochs=1, batch_size=FEW, validation_batch=FEW, patience=None, keep="best")
    takes = modules.takes(search)

    def fit(hyperparameters: kt.HyperParameters) -> None:
        model = build(hyperparameters)
        if data.numbered and model.compiled:
            model.compile(**adopted.numbered_labels(model))
        arguments = arguments_of(train, validation, schedule, takes, data.batch_size)
        first = [arguments.pop(name) for name in takes[: search.positional]]
        with contextlib.redirect_stdout(io.StringIO()):
            hypermodel.fit(hyperparameters, model, *first, **arguments, callbacks=[])

    return fit


def _examples(arrays: dict[str, np.ndarray], part: str) -> tuple[Any, np.ndarray]:
    inputs = trees.take(inputs_of(arrays, part), slice(FEW))
    return inputs.get("", inputs), arrays[f"y_{part}"][:FEW]


def _check_names(axes: dict[str, Found], everything: list[Found]) -> None:
    """Raises ConfigError if two hyperparameters have the same key, or if one of `fit` has a name of a Schedule."""
    missing = [one.name for one in everything if one not in axes.values()]
    if missing:
        words = "another one gets the same key; expected names that differ in letters and digits"
        raise ConfigError([f"hyperparameter {name!r}: {words}." for name in missing])
    reserved = {f"model.engine.{name}" for name in SCHEDULED} - {"model.engine.batch_size", "model.engine.epochs"}
    taken = [one.name for key, one in axes.items() if key in reserved]
    if taken:
        raise ConfigError([f"hyperparameters {', '.join(taken)} of fit: the names are reserved; expected others."])


def _lines(search: Search | None, data: Data | None, axes: dict[str, Found]) -> list[str]:
    varying = [key for key, one in axes.items() if one.kind != "Fixed"]
    lines = [f"{len(varying)} hyperparameters: {', '.join(varying)}"]
    if search:
        lines.append(f"{kind_of(search)} by {objective_of(search)}, the search in line {search.line}")
    else:
        lines.append("no search of it: random, 20 trials; expected tuner.search(…) in the script")
    if data:
        lines.append(f"data: {shown(data)}; task {data.task}")
    return lines
