"""A trial that ran again against its record: the same digits, other digits under the same conditions, or not the same trial."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig

from src.artifacts import DIGEST_TAGS
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
CONDITIONS = ("device", "threads", "executor")  # tags, beside code, data and versions
NOT_DIGITS = ("seconds", "system/")  # metrics of which none is equal twice
SHORT = 12  # characters of a digest


@dataclass(frozen=True)
class Changes:
    """What differs between a record and what there is now, each named by its key.

    Attributes:
        values: values of the configuration, or the data: with these it is another trial, whatever its digits are.
        conditions: keys that only one of the configurations has, and what may decide on digits around a trial.
    """

    values: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()

    def __add__(self, other: "Changes") -> "Changes":
        """Both."""
        return Changes((*self.values, *other.values), (*self.conditions, *other.conditions))

    def __str__(self) -> str:
        return "; ".join((*self.values, *self.conditions))


def of_configuration(run: Recorded, composed: DictConfig) -> Changes:
    """Changes between the configuration that a run recorded and the one that its overrides compose now.

    Raises:
        TrialbookError: the run has no config.yaml that can be read.
    """
    try:
        content = run.file("config.yaml")
        then = active_leaves(parsed(content.decode(), f"run {run.run_id}: its config.yaml"))
    except TrialbookError:
        raise
    except Exception as error:  # whatever the parsers make of a file that somebody else wrote
        raise TrialbookError(f"run {run.run_id}: its config.yaml can not be read: {error}. Expected that of a trial that ended.") from error
    now = active_leaves(parsed(folders.composition(composed)["config"].decode(), "the configuration"))
    differing = [key for key in dict.fromkeys((*then, *now)) if _text(then, key) != _text(now, key)]
    values = [_said(key, then[key], now[key]) for key in differing if key in then and key in now]
    lone = [_said(key, then.get(key, NOT_THERE), now.get(key, NOT_THERE)) for key in differing if not (key in then and key in now)]
    recorded = run.tags.get("trialbook.sha256.config")
    if recorded and recorded != (found := hashlib.sha256(content).hexdigest()):
        values.append(f"{_said('config.yaml', recorded[:SHORT], found[:SHORT])}: its SHA-256 is not the recorded one, the file was changed")
    if recorded and not differing and active_hash(trial_config(composed)) != run.tags.get("trialbook.active_hash"):
        values.append("trialbook.active_hash: not that of the recorded configuration: the record was changed, or a value that it looks up")
    return Changes(tuple(values), tuple(lone))


def of_conditions(then: Mapping[str, str], now: Mapping[str, str]) -> Changes:
    """Changes between the tags of two runs, or those of them that are known of the second before it runs."""
    found = _code(then, now)
    versions = [dict(part.rpartition(" ")[::2] for part in tags.get("trialbook.versions", "").split(", ")) for tags in (then, now)]
    for package in dict.fromkeys((*versions[0], *versions[1])):
        pair = [known.get(package, NOT_THERE) for known in versions]
        found += [_said(package, *pair)] if pair[0] != pair[1] else []
    for name in CONDITIONS:
        pair = [tags.get(f"trialbook.{name}", NOT_RECORDED) for tags in (then, now)]
        found += [_said(name, *pair)] if f"trialbook.{name}" in now and pair[0] != pair[1] else []
    data = [tags.get("trialbook.data_digest", NOT_RECORDED)[:SHORT] for tags in (then, now)]
    other = "trialbook.data_digest" in now and data[0] != data[1]
    return Changes((_said("data", *data),) if other else (), tuple(found))


def verdict(then: Recorded, now: Recorded, changes: Changes) -> tuple[int, str]:
    """Exit code and verdict.

    Raises:
        TrialbookError: a record does not hold its own objective.
    """
    apart = _apart(then, now)
    if not apart and not changes.values:
        although = f"; although {changes}" if changes.conditions else ""
        return 0, f"identical to the last digit: every metric of every epoch, and the weights{although}"
    if changes != Changes():
        return 1, f"not the same trial: {changes}\n{apart or 'its digits are the same nevertheless'}"
    return 1, f"other digits under the same conditions: {apart}"


def _apart(then: Recorded, now: Recorded) -> str:
    """Where the digits differ first, and by how much in the end; empty where none differs."""
    first, second = _digits(then), _digits(now)
    weights = [run.tags.get(DIGEST_TAGS["model.weights.h5"]) for run in (then, now)]
    if repr(first) == repr(second) and weights[0] == weights[1]:  # repr, because NaN is not equal to itself
        return ""
    metric = f"kept/{Objective.parse(then.tags.get('trialbook.objective', '')).name}"
    for run in (then, now):
        if metric not in run.metrics:
            kept = ", ".join(name.removeprefix("kept/") for name in run.metrics if name.startswith("kept/"))
            raise TrialbookError(f"run {run.run_id}: its objective {metric[5:]!r} is no metric of it; expected one of {kept}.")
    where = _first_difference(first, second) or "the same in every epoch, but other weights"
    pair = [run.metrics[metric] for run in (then, now)]
    return f"{where}; {metric[5:]} {pair[0]:.4f} then, {pair[1]:.4f} now"


def _first_difference(first: dict[str, list[float]], second: dict[str, list[float]]) -> str:
    lengths = [max(map(len, found.values()), default=0) for found in (first, second)]
    if lengths[0] != lengths[1]:
        return f"{lengths[0]} epochs then, {lengths[1]} now"
    steps = [
        (epoch, name, one, other)
        for name in first.keys() & second.keys()
        for epoch, (one, other) in enumerate(zip(first[name], second[name], strict=False), 1)
        if repr(one) != repr(other)
    ]
    if steps:
        epoch, name, one, other = min(steps, key=lambda step: ("/" in step[1], *step[:2]))  # what has a slash has no epochs
        return f"{'' if '/' in name else f'from epoch {epoch} on, '}{name} {one!r} then, {other!r} now"
    return ""


def _digits(run: Recorded) -> dict[str, list[float]]:
    return {name: run.history(name) for name in sorted(run.metrics) if not name.startswith(NOT_DIGITS)}


def _code(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The difference in code; where a record has no digest of it, only equal commits without changes are known to be equal."""
    digests = [tags.get("trialbook.code", "") for tags in (then, now)]
    commits = [tags.get("mlflow.source.git.commit") or "no commit" for tags in (then, now)]
    changed = [tags.get("trialbook.code_dirty") != "false" for tags in (then, now)]
    equal = digests[0] == digests[1] if all(digests) else commits[0] == commits[1] != "no commit" and not any(changed)
    texts = [
        f"{digest[:SHORT] or NOT_RECORDED} ({commit[:SHORT]}{', changed' if dirty else ''})"
        for digest, commit, dirty in zip(digests, commits, changed, strict=True)
    ]
    return [] if equal else [_said("code", *texts)]


def _text(values: Mapping[str, Any], key: str) -> str:
    return canonical(values[key]) if key in values else ""


def _said(key: str, then: Any, now: Any) -> str:
    return f"{key}: {then} then, {now} now"
