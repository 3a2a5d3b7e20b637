"""Compares a request with the sweep that it resumes, and finds the trials to run again."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

from omegaconf import OmegaConf

from src import datasets
from src.config.overrides import as_text
from src.config.paths import active_leaves, trial_config
from src.errors import ConfigError
from src.objective import of_study, text_of
from src.oracles import KnownTrial, Proposal
from src.results.entries import data_settings
from src.results.identity import as_stored, recorded_values
from src.running.driver import MOST_DEATHS, Compose
from src.running.invocation import Invocation
from src.space import active_hash, overrides
from src.space.values import canonical, of_texts
from src.states import RESUMABLE, TrialState
from src.study import provenance
from src.study.folders import of_trial
from src.study.schema import TrialRow
from src.study.store import Store

BUDGET = ("max_trials", "max_epochs", "iterations")  # settings of an oracle that may grow
BEFORE = {"first": [], "sampler": "random"}  # settings that old studies lack → the behaviour at that time


def check(invocation: Invocation, store: Store, compose: Compose) -> None:
    """Checks that an invocation agrees with the sweep that it resumes.

    Raises:
        ConfigError: it differs in a way that `allow` does not accept; the message lists every difference.
    """
    meta = store.meta()
    found = [*_space(invocation, json.loads(meta["space"])), *_oracle(invocation, json.loads(meta["oracle"]))]
    then = text_of(*of_study(meta))
    if then != invocation.objectives:
        found.append(("", f"objective: {then} then, {invocation.objectives} now"))
    limits = json.loads(meta.get("limits", "{}"))
    if limits != invocation.limits:
        then, now = as_text(limits or None), as_text(invocation.limits or None)
        found.append(("", f"limits: {then} then, {now} now; expected limits={then}, or a new sweep"))
    found += [("", line) for line in _configuration(invocation, store, compose, meta)]
    refused = [(kind, line) for kind, line in found if kind not in invocation.config.allow]
    if refused:
        hints = {kind: f"; allow=[{kind}] takes it" if kind else "" for kind, _ in refused}
        raise ConfigError(f"resume={invocation.folder.name}: {line}{hints[kind]}" for kind, line in refused)


def waiting(invocation: Invocation, store: Store) -> tuple[dict[int, Proposal], list[KnownTrial], list[int]]:
    """Returns the trials to run again, all trials as the oracle sees them, and the numbers of those whose process died too often."""
    again = RESUMABLE | ({TrialState.FAILED} if invocation.config.retry == "failed" else set())
    rows = store.trials()
    dead = [row.number for row in rows if row.state == TrialState.RUNNING and row.attempts >= MOST_DEATHS]
    known, proposals = [], {}
    for row in rows:
        proposal = Proposal(row.point, row.parent, row.initial_epoch, row.rung_epochs)
        open_again = row.state in again
        second = invocation.second.cost(row.metrics) if invocation.second and row.score is not None else None
        known.append(KnownTrial(row.number, proposal, TrialState.RUNNING if open_again else row.state, row.score, second))
        if open_again and row.number not in dead:
            proposals[row.number] = proposal
    return proposals, known, dead


def _space(invocation: Invocation, old: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields (kind, line) for each difference of the space. The kind is "space" if the space only grew, otherwise empty."""
    new = json.loads(json.dumps(invocation.space.described(), default=str))
    if old["fixed"] != new["fixed"]:
        yield "", f"fixed values: {_words(old['fixed'])} then, {_words(new['fixed'])} now"
    for key in dict.fromkeys(axis[0] for axis in (*old["axes"], *new["axes"])):
        then, now = ([axis[1] for axis in space["axes"] if axis[0] == key] for space in (old, new))
        if then != now:
            grew = len(then) == len(now) and all(map(_within, then, now))
            line = f"{key}: {' and '.join(map(_domain, then))} then, {' and '.join(map(_domain, now))} now"
            yield "space" if grew else "", line
    if old["trials"] != new["trials"]:
        grew = all(trial in new["trials"] for trial in old["trials"])
        line = f"explicit trials: {len(old['trials'])} then, {len(new['trials'])} now, not all of them the same"
        yield "space" if grew else "", line
    if old["exclude"] != new["exclude"]:
        grew = all(rule in old["exclude"] for rule in new["exclude"])
        yield "space" if grew else "", "exclude: other rules than then"


def _within(then: Any, now: Any) -> bool:
    """Returns True if the domain `then` is a part of the domain `now`."""
    if isinstance(then, list) and isinstance(now, list):
        return all(value in now for value in then)
    if isinstance(then, dict) and isinstance(now, dict):
        alike = all(then[name] == now[name] for name in ("integer", "log"))
        return bool(alike and now["low"] <= then["low"] and then["high"] <= now["high"])
    return False


def _domain(domain: Any) -> str:
    if isinstance(domain, dict):
        text = f"interval({domain['low']},{domain['high']})"
        return f"tag(log,{text})" if domain["log"] else text
    return ",".join(map(str, domain))


def _words(fixed: list[Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in fixed) or "none"


def _oracle(invocation: Invocation, old: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields (kind, line) for each setting of the oracle that differs. The kind is "budget" if only its budget grew, otherwise empty."""
    for key, now in invocation.oracle.items():
        then = old.get(key, BEFORE.get(key))
        if then == now:
            continue
        grew, hint = key in BUDGET and then is not None and (now is None or now > then), ""
        if key in BEFORE and key not in old:
            hint = f"; expected oracle.{key}={then}: the sweep is older than this setting"
        elif key == "max_epochs" and "iterations" in old:
            grew, hint = False, "; expected more oracle.iterations instead: trials of a bracket are compared after equal epochs"
        yield "budget" if grew else "", f"oracle.{key}: {then} then, {now} now{hint}"


def _configuration(invocation: Invocation, store: Store, compose: Compose, meta: dict[str, str]) -> Iterator[str]:
    """Yields differences of conf/, found by composing a stored trial of each kind again; without any, differences of the data."""
    rows = store.trials()
    found = [line for row in {_kind(row): row for row in rows}.values() for line in _changed(invocation, row, compose)]
    yield from found
    if found:
        return
    by_data = {data_settings(of_texts(row.point)): row for row in sorted(rows, key=lambda row: row.data_digest or "")}
    for row in by_data.values():
        digest = row.data_digest or (meta.get("data_digest") if len(by_data) == 1 else None)
        if digest and datasets.load(trial_config(compose(overrides(row.point)))["data"]).digest != digest:
            yield f"the data set is another one than then; expected the same examples and split, in {_trial(row)}"


def _kind(row: TrialRow) -> tuple[str, ...]:
    """Returns a tuple that is equal for trials that choose the same options and override the same keys."""
    return tuple(f"{key}={value}" if "." not in key and key != "seed" else key for key, value in of_texts(row.point).items())


def _trial(row: TrialRow) -> str:
    return f"trial {row.number + 1} ({shlex.join(overrides(row.point))})"


def _changed(invocation: Invocation, row: TrialRow, compose: Compose) -> Iterator[str]:
    """Yields the differences between a trial's stored configuration and the one that its overrides compose now."""
    composed = compose(overrides(row.point))
    now = trial_config(composed)
    if active_hash(now) == row.active_hash:
        return
    later = active_leaves(now)
    file = of_trial(invocation.folder, row.number) / ".hydra" / "config.yaml"
    if row.config_hash:
        then = row.configuration
        later = as_stored(recorded_values(now, composed.hydra.runtime.choices))
    elif file.exists():
        then = active_leaves(trial_config(OmegaConf.load(file)))  # type: ignore[arg-type]
    else:
        yield f"{file} does not exist, and only it has the configuration of {_trial(row)}; expected that file"
        return
    keys = [key for key in dict.fromkeys((*then, *later)) if canonical(then.get(key)) != canonical(later.get(key))]
    for key in keys:
        yield f"{key}: {then.get(key)} then, {later.get(key)} now, in {_trial(row)}"
    if row.config_hash and not keys:
        yield f"a secret value, which the record hides, differs from then, in {_trial(row)}"


def other_code(store: Store, tags: dict[str, str]) -> list[str]:
    """Returns a line if earlier trials of the sweep ran other code or packages than the trials that follow."""
    code, packages = tags["trialbook.code"], provenance.training_packages(tags["trialbook.versions"])
    rows = store.trials()
    others = [row for row in rows if (row.code, row.packages) != (code, packages)]
    if not others:
        return []
    kinds = ["code"] if any(row.code != code for row in others) else []
    kinds += ["packages"] if any(row.packages != packages for row in others) else []
    which = f"the first {len(rows)} trials" if len(others) == len(rows) else f"{len(others)} of the first {len(rows)} trials"
    return [f"other {' and other '.join(kinds)} than in {which}: their results and the new ones are rows of their own"]
