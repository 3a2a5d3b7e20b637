"""The names under which Keras reports metrics, known without importing Keras, and the mistakes made with them."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from src.config.request import Request
from src.config.rules import unrecordable
from src.errors import ConfigError, did_you_mean
from src.objective import Objective

OWN_NAMES = {"LogCoshError": "logcosh", "FBetaScore": "fbeta_score"}  # metrics whose name is not that of their class
TAKEN = ("loss", "learning_rate", "epoch", "seconds", "seconds_per_epoch")  # reported by a trial beside its metrics


def reported_name(metric: str | dict[str, Any]) -> str:
    """The name under which Keras reports a metric: the word that names it, or the name of the instance or of its class.

    >>> reported_name("acc"), reported_name({"_target_": "keras.metrics.KLDivergence"})
    ('acc', 'kl_divergence')
    """
    if isinstance(metric, str):
        return metric
    kind = str(metric.get("_target_")).rpartition(".")[2]
    words = re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind)).lower()  # as Keras does it
    return metric.get("name") or OWN_NAMES.get(kind, words)


def name_mistake(name: str) -> str:
    """Why no metric can have this name; empty if one can."""
    if name in TAKEN or name.startswith("val_") or "/" in name:
        return f"a metric named {name!r} would hide another figure of a trial; expected another name."
    rule = unrecordable(f"kept/val_{name}")
    return f"MLflow takes no metric named {name[:100]!r}; expected {rule}." if rule else ""


def metric_mistakes(request: Request, options: dict[str, list[str]]) -> Iterator[str]:
    """Finds metrics that share a name, and an objective that no metric has."""
    catalog = request.catalog
    lists = {one.origin: list(one.values) for one in request.everything if one.key == "training.metrics"}
    defaults = {
        f"conf/training/{name}.yaml": [catalog.keys("training", name).get("training.metrics") or []] for name in options["training"]
    }
    for origin, metrics in ((origin, metrics) for origin, values in (lists or defaults).items() for metrics in values):
        for name, count in Counter(map(reported_name, metrics)).items():
            if count > 1:
                yield f"{origin}: {count} metrics are reported as {name!r}; expected names of their own: {{_target_: …, name: …}}"
            if mistake := name_mistake(name):
                yield f"{origin}: {mistake}"
    found = [reported_name(metric) for values in (lists or defaults).values() for metrics in values for metric in metrics]
    reported = [f"{prefix}{name}" for prefix in ("", "val_") for name in dict.fromkeys(["loss", *found])]
    given = [(one.origin, str(value)) for one in request.everything if one.key == "objective" for value in one.values]
    default = str(catalog.top["objective"])
    for origin, value in given or [(" ".join([*lists, f"objective={default}"]), default)]:
        name = value.rpartition(":")[2]
        if name not in reported:
            yield f"{origin}: no metric {name!r} is reported{did_you_mean(name, reported)} Metrics: {', '.join(reported)}"
            continue
        try:
            Objective.parse(value)
        except ConfigError as error:
            yield from error.mistakes
