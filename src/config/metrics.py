"""The names under which Keras reports metrics, known without importing Keras, and the mistakes made with them."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from src.config import objectives
from src.config.auto import AUTO, settled
from src.config.catalog import Catalog
from src.config.overrides import Assignment
from src.config.paths import Options, nested
from src.config.request import Request
from src.config.rules import REPORTING, unrecordable
from src.errors import ConfigError, did_you_mean
from src.objective import Objective
from src.tasks import OWN

OWN_NAMES = {"LogCoshError": "logcosh", "FBetaScore": "fbeta_score"}  # metrics whose name is not that of their class
TAKEN = ("loss", "learning_rate", "epoch", "seconds", "seconds_per_epoch")  # reported by a trial beside its metrics


def reported_name(metric: str | dict[str, Any]) -> str:
    """Returns the name under which Keras reports a metric: the given word, the name of the instance, or that of its class.

    >>> reported_name("acc"), reported_name({"_target_": "keras.metrics.KLDivergence"})
    ('acc', 'kl_divergence')
    """
    if isinstance(metric, str):
        return metric
    kind = str(metric.get("_target_")).rpartition(".")[2]
    words = re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind)).lower()  # as Keras does it
    return metric.get("name") or OWN_NAMES.get(kind, words)


def name_mistake(name: str) -> str:
    """Returns the reason why no metric can have a name; empty if one can."""
    if name in TAKEN or name.startswith("val_") or "/" in name:
        return f"a metric named {name!r} would hide another figure of a trial; expected another name."
    rule = unrecordable(f"kept/val_{name}")
    return f"MLflow takes no metric named {name[:100]!r}; expected {rule}." if rule else ""


def names_of(metrics: Any) -> list[list[str]]:
    """Returns the names of metrics, a list per output. With several outputs, each name begins with the name of its output.

    >>> names_of(["accuracy"]), names_of({"price": ["mae"]})
    ([['accuracy']], [['price_mae']])
    """
    if isinstance(metrics, dict):
        return [[f"{output}_{reported_name(metric)}" for metric in each] for output, each in metrics.items()]
    return [[reported_name(metric) for metric in metrics]]


def reported(config: dict[str, Any]) -> tuple[str, list[str]]:
    """Returns the objective of a trial, and the names that it reports; no names if only a step of the model can tell them.

    Args:
        config: nested, as auto.settled takes it, with `model` if it is known.
    """
    found = settled(config)
    model = config.get("model", {})
    reports_its_own = found["loss"] == OWN or model.get("compile") is False or model.get("engine", {}).get("name") in REPORTING
    if found["metrics"] is None or reports_its_own:
        return found["objective"], []
    names = ["loss"]
    if isinstance(found["loss"], dict) and "_target_" not in found["loss"]:
        names += [f"{output}_loss" for output in found["loss"]]
    return found["objective"], names + [name for of_output in names_of(found["metrics"]) for name in of_output]


def metric_mistakes(request: Request, options: Options) -> Iterator[str]:
    """Yields metrics that share a name or have a forbidden one, and objectives that no metric has."""
    catalog = request.catalog
    given = {one.key: one for one in request.everything if one.key in ("training.metrics", "training.loss", "data.task", "objective")}
    origins = {one.origin: list(one.values) for one in request.everything if one.key == "training.metrics"}
    defaults = {f"conf/training/{name}.yaml": [_node(catalog, "training", name).get("metrics")] for name in options["training"]}
    for origin, values in (origins or defaults).items():
        yield from _name_mistakes(origin, values)
    known: dict[str, list[str]] = {}  # objective → names that its trials report
    for config in _combinations(request, options, given):
        objective, names = reported(config)
        known.setdefault(objective, []).extend(f"{prefix}{name}" for prefix in ("", "val_") for name in names)
    default = " ".join([*origins, f"objective={catalog.top['objective']}"])
    origin = given["objective"].origin if "objective" in given else default
    if len(known) > 1 and not ("objective" in given and len(given["objective"].values) > 1):
        yield f"{origin}: the tasks of these trials have {' and '.join(known)}; expected an objective that all of them report."
    functions = [option for option in options["trial"] if "trial._target_" in catalog.keys("trial", option)]
    for objective, names in known.items():
        if objective == AUTO:  # only the YAML of a function can have none
            lacking = next(option for option in functions if catalog.keys("trial", option).get("trial.objective", AUTO) == AUTO)
            yield f"conf/trial/{lacking}.yaml: no objective; expected objective: min:NAME or max:NAME, as its function returns."
            continue
        place = next((one.origin for one in request.everything if one.key == "objective" and objective in map(str, one.values)), origin)
        yield from _objective_mistakes(place, objective, names)
    if request.second:
        yield from objectives.unreported(request, known, function=bool(functions))


def _name_mistakes(origin: str, values: list[Any]) -> Iterator[str]:
    """Yields the mistakes in the names of metrics, for each value of `training.metrics`."""
    for names in itertools.chain.from_iterable(names_of(value) for value in values if value not in (None, AUTO)):
        for name, count in Counter(names).items():
            if count > 1:
                yield f"{origin}: {count} metrics are reported as {name!r}; expected names of their own: {{_target_: …, name: …}}"
            if mistake := name_mistake(name):
                yield f"{origin}: {mistake}"


def _objective_mistakes(origin: str, objective: str, names: list[str]) -> Iterator[str]:
    """Yields the mistakes of an objective: trials report other names, or its direction is not known."""
    name = objective.rpartition(":")[2]
    if names and name not in names:
        yield f"{origin}: no metric {name!r} is reported{did_you_mean(name, names)} Metrics: {', '.join(dict.fromkeys(names))}"
        return
    try:
        Objective.parse(objective)
    except ConfigError as error:
        yield from error.mistakes


def _node(catalog: Catalog, group: str, option: str) -> dict[str, Any]:
    return nested(catalog.keys(group, option), group)


def _combinations(request: Request, options: Options, given: dict[str, Assignment]) -> Iterator[dict[str, Any]]:
    """Yields the parts of configurations that decide what is reported, for every choice of options and values."""
    groups = ("data", "training", "model", "trial")
    own = [one for one in given.values() if one.key != "objective"]
    objectives = given["objective"].values if "objective" in given else [request.catalog.top["objective"]]
    for *chosen, objective in itertools.product(*(options[group] for group in groups), objectives):
        for values in itertools.product(*(one.values for one in own)):
            config: dict[str, Any] = {group: _node(request.catalog, group, option) for group, option in zip(groups, chosen, strict=True)}
            config["objective"] = str(objective)
            for one, value in zip(own, values, strict=True):
                group, _, key = one.key.partition(".")
                config[group][key] = value
            yield config
