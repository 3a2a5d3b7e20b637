"""Resumes a sweep: refuses a request that differs from the sweep, and finds the trials to run again."""

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
from src.redaction import all_redacted
from src.results.entries import data_settings
from src.running import record
from src.running.driver import MOST_DEATHS, Compose
from src.running.invocation import Invocation
from src.space import active_hash, overrides
from src.space.values import canonical, of_texts
from src.states import RESUMABLE, TrialState
from src.study import provenance
from src.study.folders import of_trial
from src.study.schema import TrialRow
from src.study.store import Store

BUDGET = ("max_trials", "max_epochs", "iterations")  # of an oracle: growing them is compatible
BEFORE = {"first": [], "sampler": "random"}  # settings that old studies lack, and what oracles did then


def check(invocation: Invocation, store: Store, compose: Compose) -> None:
    """Compares an invocation with the sweep that it resumes.

    Raises:
        ConfigError: it changed in a way that `allow` does not take, with every difference.
    """
    meta = store.meta()
    found = [*_space(invocation, json.loads(meta["space"])), *_oracle(invocation, json.loads(meta["oracle"]))]
    if (then := text_of(*of_study(meta))) != invocation.objectives:
        found.append(("", f"objective: {then} then, {invocation.objectives} now"))
    if (limits := json.loads(meta.get("limits", "{}"))) != invocation.limits:
        then, now = (as_text(one or None) for one in (limits, invocation.limits))
        found.append(("", f"limits: {then} then, {now} now; expected limits={then}, or a new sweep"))
    found += [("", line) for line in _configuration(invocation, store, compose, meta)]
    refused = [f"{line}{f'; allow=[{kind}] takes it' if kind else ''}" for kind, line in found if kind not in invocation.config.allow]
    if refused:
        raise ConfigError(f"resume={invocation.folder.name}: {line}" for line in refused)


def waiting(invocation: Invocation, store: Store) -> tuple[dict[int, Proposal], list[KnownTrial], list[int]]:
    """Returns the trials to run again, all trials for the oracle, and the trials whose process died too often."""
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
    """Yields (kind, line) for differences of the space; a space that only grew is of the kind "space"."""
    new = json.loads(json.dumps(invocation.space.described(), default=str))
    if old["fixed"] != new["fixed"]:
        yield "", f"fixed values: {_words(old['fixed'])} then, {_words(new['fixed'])} now"
    for key in dict.fromkeys(axis[0] for axis in (*old["axes"], *new["axes"])):
        then, now = ([axis[1] for axis in space["axes"] if axis[0] == key] for space in (old, new))
        if then != now:
            wider = len(then) == len(now) and all(map(_within, then, now))
            yield "space" if wider else "", f"{key}: {' and '.join(map(_domain, then))} then, {' and '.join(map(_domain, now))} now"
    if old["trials"] != new["trials"]:
        wider = all(trial in new["trials"] for trial in old["trials"])
        yield "space" if wider else "", f"explicit trials: {len(old['trials'])} then, {len(new['trials'])} now, not all of them the same"
    if old["exclude"] != new["exclude"]:
        yield "space" if all(rule in old["exclude"] for rule in new["exclude"]) else "", "exclude: other rules than then"


def _within(then: Any, now: Any) -> bool:
    """Returns True if a domain is part of another one."""
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
    for key, now in invocation.oracle.items():
        if (then := old.get(key, BEFORE.get(key))) != now:
            larger, hint = key in BUDGET and then is not None and (now is None or now > then), ""
            if key in BEFORE and key not in old:
                hint = f"; expected oracle.{key}={then}, for that sweep began before there was such a setting"
            elif key == "max_epochs" and "iterations" in old:
                larger, hint = False, "; expected more oracle.iterations, for trials of a bracket are compared after equal epochs"
            yield "budget" if larger else "", f"oracle.{key}: {then} then, {now} now{hint}"


def _configuration(invocation: Invocation, store: Store, compose: Compose, meta: dict[str, str]) -> Iterator[str]:
    """Yields differences of conf/ and of the data, found by composing stored trials of every kind again."""
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
    """Equal for trials with the same options, and with the same keys set by overrides."""
    return tuple(f"{key}={value}" if "." not in key and key != "seed" else key for key, value in of_texts(row.point).items())


def _trial(row: TrialRow) -> str:
    return f"trial {row.number + 1} ({shlex.join(overrides(row.point))})"


def _changed(invocation: Invocation, row: TrialRow, compose: Compose) -> Iterator[str]:
    """Yields differences between a stored configuration and the one that its overrides compose now."""
    composed = compose(overrides(row.point))
    now = trial_config(composed)
    if active_hash(now) == row.active_hash:
        return
    later = active_leaves(now)
    file = of_trial(invocation.folder, row.number) / ".hydra" / "config.yaml"
    if row.config_hash:
        then = row.configuration
        later = json.loads(json.dumps(all_redacted(record.values(now, composed.hydra.runtime.choices)), default=str))
    elif file.exists():
        then = active_leaves(trial_config(OmegaConf.load(file)))  # type: ignore[arg-type]
    else:
        yield f"{file} is not there, so that nothing tells the configuration that {_trial(row)} had; expected that file"
        return
    keys = [key for key in dict.fromkeys((*then, *later)) if canonical(then.get(key)) != canonical(later.get(key))]
    for key in keys:
        yield f"{key}: {then.get(key)} then, {later.get(key)} now, in {_trial(row)}"
    if row.config_hash and not keys:
        yield f"a value that is hidden in the record is another one than then, in {_trial(row)}"


def other_code(store: Store, tags: dict[str, str]) -> list[str]:
    """Returns a line if earlier trials of the sweep ran other code or packages than the trials that follow."""
    now = tags["trialbook.code"], provenance.training_packages(tags["trialbook.versions"])
    rows = store.trials()
    others = [row for row in rows if (row.code, row.packages) != now]
    kinds = [kind for kind, own in zip(("code", "packages"), now, strict=True) if any(getattr(row, kind) != own for row in others)]
    which = f"the first {len(rows)} trials" if len(others) == len(rows) else f"{len(others)} of the first {len(rows)} trials"
    return [f"other {' and other '.join(kinds)} than in {which}: their results and the new ones are rows of their own"] if others else []
