"""Compares a trial that ran again with its record.

The verdict is one of three: identical digits, other digits under the same conditions, or not the same trial.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig

from src.artifacts import DIGEST_TAGS, WEIGHTS
from src.config.paths import active_leaves, trial_config
from src.errors import TrialbookError
from src.objective import Objective
from src.results.identity import parsed
from src.space import active_hash
from src.space.values import canonical
from src.study import folders
from src.tracking.runs import Recorded

NOT_THERE = "not there"
NOT_RECORDED = "not recorded"
CONDITIONS = ("device", "threads", "executor")  # tags of conditions that may change digits, besides code, data and versions
NOT_DIGITS = ("seconds", "system/")  # prefixes of metrics that differ in every run
SHORT = 12  # characters of a digest


@dataclass(frozen=True)
class Changes:
    """Differences between a record and the present, one line each.

    Attributes:
        values: changed values of the configuration, and changed data; these make it another trial, even if the digits are equal.
        conditions: keys that only one configuration has, and changed conditions that may change digits.
    """

    values: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()

    def __add__(self, other: "Changes") -> "Changes":
        """Concatenates two sets of changes."""
        return Changes((*self.values, *other.values), (*self.conditions, *other.conditions))

    def __str__(self) -> str:
        return "; ".join((*self.values, *self.conditions))


def of_configuration(run: Recorded, composed: DictConfig) -> Changes:
    """Returns the changes between a run's recorded configuration and the one that its overrides compose now.

    Raises:
        TrialbookError: the run has no config.yaml that can be read.
    """
    try:
        content = run.file("config.yaml")
        then = active_leaves(parsed(content.decode(), f"run {run.run_id}: its config.yaml"))
    except TrialbookError:
        raise
    except Exception as error:  # the file may come from elsewhere, and the parsers may raise anything
        raise TrialbookError(f"run {run.run_id}: its config.yaml cannot be read: {error}. Expected that of a trial that ended.") from error
    now = active_leaves(parsed(folders.composition(composed)["config"].decode(), "the configuration"))
    values, one_sided = list[str](), list[str]()
    for key in dict.fromkeys((*then, *now)):
        if key not in then or key not in now:
            one_sided.append(_change(key, then.get(key, NOT_THERE), now.get(key, NOT_THERE)))
        elif canonical(then[key]) != canonical(now[key]):
            values.append(_change(key, then[key], now[key]))
    is_equal = not values and not one_sided
    recorded, digest = run.tags.get("trialbook.sha256.config"), hashlib.sha256(content).hexdigest()
    if recorded and recorded != digest:
        change = _change("config.yaml", recorded[:SHORT], digest[:SHORT])
        values.append(f"{change}: its SHA-256 is not the recorded one, the file was changed")
    if recorded and is_equal and active_hash(trial_config(composed)) != run.tags.get("trialbook.active_hash"):
        values.append("trialbook.active_hash: not that of the recorded configuration: the record was changed, or a value that it looks up")
    return Changes(tuple(values), tuple(one_sided))


def of_conditions(then: Mapping[str, str], now: Mapping[str, str]) -> Changes:
    """Returns the changes between the tags of two runs: code, versions, CONDITIONS and data. A tag that only one has is a change, too."""
    conditions = [*_code(then, now), *_changes(_versions(then), _versions(now)), *_changes(_conditions(then), _conditions(now))]
    data = [tags.get("trialbook.data_digest", NOT_RECORDED)[:SHORT] for tags in (then, now)]
    return Changes((_change("data", *data),) if data[0] != data[1] else (), tuple(conditions))


def _versions(tags: Mapping[str, str]) -> dict[str, str]:
    parts = tags.get("trialbook.versions", "").split(", ")
    return {name: version for name, _, version in (part.rpartition(" ") for part in parts if part)}


def _conditions(tags: Mapping[str, str]) -> dict[str, str]:
    return {name: tags.get(f"trialbook.{name}", NOT_RECORDED) for name in CONDITIONS}


def verdict(then: Recorded, now: Recorded, changes: Changes) -> tuple[int, str]:
    """Returns the exit code and the verdict.

    Raises:
        TrialbookError: a record does not have its own objective.
    """
    gap = _gap(then, now)
    if not gap and not changes.values:
        although = f"; although {changes}" if changes.conditions else ""
        compared = "step" if then.is_function else "epoch, and the weights"
        return 0, f"identical to the last digit: every metric of every {compared}{although}"
    if changes != Changes():
        return 1, f"not the same trial: {changes}\n{gap or 'its digits are the same nevertheless'}"
    return 1, f"other digits under the same conditions: {gap}"


def _gap(then: Recorded, now: Recorded) -> str:
    """Returns the place of the first differing digits, and both final scores; empty if all digits are equal."""
    first, second = _digits(then), _digits(now)
    same_weights = then.tags.get(DIGEST_TAGS[WEIGHTS]) == now.tags.get(DIGEST_TAGS[WEIGHTS])
    if repr(first) == repr(second) and same_weights:  # repr, because NaN differs from itself
        return ""
    name = Objective.parse(then.tags.get("trialbook.objective", "")).name
    metric = f"kept/{name}"
    for run in (then, now):
        if metric not in run.metrics:
            kept = ", ".join(key.removeprefix("kept/") for key in run.metrics if key.startswith("kept/"))
            raise TrialbookError(f"run {run.run_id}: its objective {name!r} is no metric of it; expected one of {kept}.")
    unit = "report" if then.is_function else "epoch"  # the steps of a function may have any numbers
    where = _first_difference(first, second, unit) or "the same in every epoch, but other weights"
    return f"{where}; {name} {then.metrics[metric]:.4f} then, {now.metrics[metric]:.4f} now"


def _first_difference(then: dict[str, list[float]], now: dict[str, list[float]], unit: str) -> str:
    """Describes the first metric that differs in the first epoch (`unit`) in which any does; empty if all are equal."""
    if lone := sorted(then.keys() ^ now.keys()):
        return f"{lone[0]} is reported {'then' if lone[0] in then else 'now'} alone"
    lengths = [max(map(len, histories.values()), default=0) for histories in (then, now)]
    if lengths[0] != lengths[1]:
        return f"{lengths[0]} {unit}s then, {lengths[1]} now"
    steps = []
    for name in then:
        for epoch, (before, after) in enumerate(zip(then[name], now[name], strict=False), 1):
            if repr(before) != repr(after):
                has_no_epochs = "/" in name
                steps.append((has_no_epochs, epoch, name, before, after))
    if not steps:
        return ""
    has_no_epochs, epoch, name, before, after = min(steps)  # metrics with epochs come first
    place = "" if has_no_epochs else f"from {unit} {epoch} on, "
    return f"{place}{name} {before!r} then, {after!r} now"


def _digits(run: Recorded) -> dict[str, list[float]]:
    return {name: run.history(name) for name in sorted(run.metrics) if not name.startswith(NOT_DIGITS)}


def _code(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Returns a line if the code differs. If a record has no digest, only equal commits without changes count as equal code."""
    digests = [tags.get("trialbook.code", "") for tags in (then, now)]
    commits = [tags.get("mlflow.source.git.commit") or "no commit" for tags in (then, now)]
    dirty = [tags.get("trialbook.code_dirty") != "false" for tags in (then, now)]
    equal = digests[0] == digests[1]
    if not all(digests):
        equal = commits[0] == commits[1] != "no commit" and not any(dirty)
    if equal:
        return []
    texts = [
        f"{digest[:SHORT] or NOT_RECORDED} ({commit[:SHORT]}{', changed' if is_dirty else ''})"
        for digest, commit, is_dirty in zip(digests, commits, dirty, strict=True)
    ]
    return [_change("code", *texts)]


def _changes(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    keys = [key for key in dict.fromkeys((*then, *now)) if then.get(key) != now.get(key)]
    return [_change(key, then.get(key, NOT_THERE), now.get(key, NOT_THERE)) for key in keys]


def _change(key: str, then: Any, now: Any) -> str:
    return f"{key}: {then} then, {now} now"
