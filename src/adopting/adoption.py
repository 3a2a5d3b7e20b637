"""Adopts a hypermodel: the files that make it a model of conf/, and its search a question of sweeps/."""

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
from src.adopting.question import ask, key_of, kind_of, objective_of
from src.adopting.recording import Script
from src.adopting.tuners import Search
from src.config.paths import ROOT
from src.errors import ConfigError, raised_at
from src.training import SCHEDULED, Schedule

FEW = 64  # examples with which a `fit` of the hypermodel's own is tried
FIT_TRIES = 8
T = TypeVar("T")
Hypermodel = Any  # a function of hyperparameters, or a kt.HyperModel


@dataclass(frozen=True)
class Adoption:
    """The files that bring a search here.

    Attributes:
        files: path → content; those of conf/, src/ and sweeps/ below this repository, the data below the present folder.
        found: lines for people about what was found.
        left_out: what a sweep cannot say.
    """

    files: dict[Path, bytes]
    found: list[str]
    left_out: list[str]


def adopt(words: str, name: str) -> Adoption:
    """Runs a script up to its search, and its hypermodel a few times.

    Args:
        words: FILE.py:NAME.
        name: of the model, the sweep and the data.

    Raises:
        ConfigError: the script fails, or cannot be adopted.
    """
    script = Script.read(words)
    search, others = script.search()
    hypermodel = script.hypermodel()
    if search:
        _same(script, hypermodel, search.hypermodel)
    settings = search.settings if search else {}
    given = settings.get("hyperparameters") or getattr(settings.get("oracle"), "hyperparameters", None)
    closed = settings.get("tune_new_entries") is False
    overrides = {key: keras.saving.serialize_keras_object(settings[key]) for key in ("optimizer", "loss", "metrics") if settings.get(key)}
    own_fit = isinstance(hypermodel, kt.HyperModel) and type(hypermodel).fit is not kt.HyperModel.fit

    def build(hyperparameters: kt.HyperParameters) -> keras.Model:
        return hypermodel.build(hyperparameters) if isinstance(hypermodel, kt.HyperModel) else hypermodel(hyperparameters)

    built = _tried(script, lambda: discover(build, given, closed=closed))
    model = _built(script, hypermodel, built, overrides, search)
    data = data_of(search.arguments, search.test, model) if search else None
    logits = _takes_logits(words, data, model) if data and not own_fit else False
    if logits:
        _built(script, hypermodel, built, overrides, search, numbered=bool(data and data.numbered), logits=True)
    of_fit: list[Found] = []
    if own_fit:
        if not search or not data:
            raise ConfigError(
                [f"{words}: its fit needs the data of a search; expected a tuner of it, and tuner.search(…), in {script.path}."]
            )
        known, fit = {one.name for one in built}, _few(hypermodel, build, search, data)
        everything = _tried(script, lambda: discover(fit, given, closed=closed, most=FIT_TRIES, known=known))
        of_fit = [one for one in everything if one.name not in known]
    elif not model.compiled:
        raise ConfigError([f"{words} gives a model that is not compiled; expected model.compile(…) in it."])
    is_class, numbered = script.target == type(hypermodel).__name__, bool(data and data.numbered)
    module = modules.Module(words, name, script, is_class, built, of_fit, overrides, numbered, logits)
    adoption = _adoption(module, search, data, compiled=model.compiled, own_fit=own_fit)
    unsearched = [] if search else [f"line {one.line}: {_words(one)}" for one in others]
    return replace(adoption, left_out=[*adoption.left_out, *unsearched, *script.beside()])


def _takes_logits(words: str, data: Data, model: keras.Model) -> bool:
    """True if the loss of a model takes logits; a softmax layer is then added to it.

    Raises:
        ConfigError: its loss has no form for numbers of classes, or its logits are of another task than classes.
    """
    if data.numbered:
        adopted.numbered_labels(model)  # raises
    logits = adopted.takes_logits(model)
    if logits and data.task != "classes":
        raise ConfigError([f"{words} gives logits; expected a sigmoid layer at its end, and a loss without from_logits."])
    return logits


def _adoption(module: modules.Module, search: Search | None, data: Data | None, *, compiled: bool, own_fit: bool) -> Adoption:
    """The files, and what there is to say of them."""
    name = module.name
    axes = {key_of(one.name, of_fit=False): one for one in module.built} | {key_of(one.name, of_fit=True): one for one in module.of_fit}
    _distinct(axes, [*module.built, *module.of_fit])
    if all(one.kind == "Fixed" for one in axes.values()):
        raise ConfigError([f"{module.words} asks for no hyperparameter that varies; expected hp.Int(…), hp.Choice(…) or the like in it."])
    path = f"mlruns/adopted/{name}.npz"
    question = ask(name, path, search, data, axes)
    files = {
        ROOT / f"conf/model/{name}.yaml": modules.model_yaml(module, compiled=compiled, own_fit=own_fit),
        ROOT / f"src/models/{name}.py": modules.model(module),
        ROOT / f"sweeps/{name}.yaml": modules.sweep_yaml(module, question.content),
    }
    if own_fit and search:
        files[ROOT / f"src/training/{name}.py"] = modules.engine(module, search, data, objective_of(search))
    if data:
        files[Path(path)] = _npz(data)
    left_out = question.left_out + (_not_given(search) if own_fit and search else [])
    return Adoption(files, list(_lines(search, data, axes)), left_out)


def _words(other: Search) -> str:
    """Says what a search of another hypermodel needs."""
    found = other.hypermodel
    return f"a search of {getattr(found, '__name__', type(found).__name__)}; expected a name for it, NAME = …, and its FILE.py:NAME"


def _not_given(search: Search) -> list[str]:
    """Names the arguments that the search gave to the hypermodel's own `fit`, and that a trial does not give."""
    names = [name for name in ("sample_weight", "class_weight") if search.arguments.get(name) is not None]
    return [
        f"{name}: the fit of the hypermodel gets x, y, validation_data, epochs, batch_size and the callbacks of a trial" for name in names
    ]


def _same(script: Script, made: Any, searched: Any) -> None:
    """Compares the instance that a trial makes with the one that the script searched.

    Raises:
        ConfigError: they were made of other values.
    """
    plain = (bool, int, float, str, tuple, list, dict, set, type(None))
    values = [{name: one for name, one in getattr(it, "__dict__", {}).items() if isinstance(one, plain)} for it in (made, searched)]
    if isinstance(made, kt.HyperModel) and repr(values[0]) != repr(values[1]):
        names = [name for name in values[1] if repr(values[0].get(name)) != repr(values[1][name])]
        words = f"{script.path}:{script.target}: the script searches one with another {', '.join(names)} than {script.target}() has"
        raise ConfigError([f"{words}; expected a name for that instance, and FILE.py:NAME"])


def _tried(script: Script, attempt: Callable[[], T]) -> T:
    try:
        return attempt()
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError([f"{script.path}:{script.target}: {type(error).__name__}: {error}  ({raised_at(error)})"]) from error


def _built(
    script: Script, hypermodel: Hypermodel, built: list[Found], overrides: Mapping[str, Any], search: Search | None, **options: bool
) -> keras.Model:
    """The model of the defaults; one without an input shape is built on an example of the search."""
    values = {one.name: one.parameter.default for one in built}
    model = adopted.built(hypermodel, values, compiled_with=overrides, **options)
    if not isinstance(model, keras.Model):
        raise ConfigError([f"{script.path}:{script.target} gives {type(model).__name__}; expected a keras.Model."])
    if search and not model.built and search.arguments.get("x") is not None:
        _tried(script, lambda: model(first_example(search.arguments["x"])))
    return model


def _few(hypermodel: Any, build: Callable[[Any], keras.Model], search: Search, data: Data) -> Callable[[kt.HyperParameters], None]:
    """Returns a function that builds a model and trains it on a few examples, with the arguments of the search."""
    from src.training.hypermodel import arguments_of

    train, validation = (_examples(data.arrays, part) for part in ("train", "validation" if "y_validation" in data.arrays else "train"))
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


def _examples(arrays: Mapping[str, np.ndarray], part: str) -> tuple[Any, np.ndarray]:
    """The first examples of a part."""
    inputs = {name.partition("/")[2]: array[:FEW] for name, array in arrays.items() if name.partition("/")[0] == f"x_{part}"}
    return inputs.get("", inputs), arrays[f"y_{part}"][:FEW]


def _distinct(axes: dict[str, Found], everything: list[Found]) -> None:
    if missing := [one.name for one in everything if one not in axes.values()]:
        words = "another one gets the same key; expected names that differ in letters and digits"
        raise ConfigError([f"hyperparameter {name!r}: {words}." for name in missing])
    taken = [
        one.name
        for key, one in axes.items()
        if key.startswith("model.engine.") and key.rpartition(".")[2] in set(SCHEDULED) - {"batch_size", "epochs"}
    ]
    if taken:
        raise ConfigError([f"hyperparameters {', '.join(taken)} of fit: names of our own; expected others."])


def _lines(search: Search | None, data: Data | None, axes: dict[str, Found]) -> list[str]:
    varying = [key for key, one in axes.items() if one.kind != "Fixed"]
    found = [f"{len(varying)} hyperparameters: {', '.join(varying)}"]
    found.append(
        f"{kind_of(search)} by {objective_of(search)}, the search in line {search.line}"
        if search
        else "no search of it: random, 20 trials; expected tuner.search(…) in the script"
    )
    return [*found, f"data: {shown(data)}; task {data.task}"] if data else found


def _npz(data: Data) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, **data.arrays)  # type: ignore[arg-type]
    return content.getvalue()
