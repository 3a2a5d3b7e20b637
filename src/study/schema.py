"""Defines the tables of study.db, and its rows as dataclasses."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from src.errors import TrialbookError
from src.space import Point
from src.states import TrialState

SCHEMA_VERSION = 3  # since 3, trials may be PRUNED or INFEASIBLE; since 2, there are the columns of SINCE_1
SCHEMA = """
create table meta   (key text primary key, value text);
create table trial  (number integer primary key, overrides json, active_hash text, state text, attempts integer, parent integer,
                     initial_epoch integer, rung_epochs integer, epochs integer, run_id text, score real, kept_epoch integer, seconds real,
                     cause text, started real, ended real, metrics json, config_hash text, data_digest text, code text,
                     packages text, configuration json);
create table epoch  (number integer, epoch integer, metrics json, primary key (number, epoch));
create table oracle (id integer primary key check (id = 1), state text);
create table outbox (id integer primary key, number integer, kind text, payload json, refused text);
"""
LATER = "create table if not exists instruction (id integer primary key, kind text, payload json, at real, heard real)"
SINCE_1 = {  # table → columns that schema 1 did not have, all text
    "trial": ("config_hash", "data_digest", "code", "packages", "configuration"),
    "outbox": ("refused",),
}


@dataclass(frozen=True)
class Identity:
    """The part of a result's identity that is known when its trial starts.

    Attributes:
        config_hash: SHA-256 of the configuration's values without seed and fold.
        code: SHA-256 of the code; if the trial continues a training of other code, both joined by "+".
        packages: names and versions of the packages, joined in the same way.
        configuration: config path → value, including the seed.
    """

    config_hash: str = ""
    code: str = ""
    packages: str = ""
    configuration: dict[str, Any] = field(default_factory=dict)


UNKNOWN = Identity()


@dataclass(frozen=True)
class TrialRow:
    """A row of the table `trial`. None means that a value is not known yet, or that a study of schema 1 does not record it.

    Attributes:
        point: the overrides of the trial.
        parent: the trial whose training this one continues, after `initial_epoch` epochs.
        rung_epochs: as Proposal.epochs.
        epochs: the last epoch that was trained.
        metrics: the metrics that are logged once, such as `kept/val_accuracy`.
    """

    number: int
    point: Point
    active_hash: str
    state: TrialState
    attempts: int
    parent: int | None
    initial_epoch: int
    rung_epochs: int | None
    epochs: int | None
    run_id: str | None
    score: float | None
    kept_epoch: int | None
    seconds: float | None
    cause: str | None
    started: float | None
    ended: float | None
    metrics: dict[str, float]
    config_hash: str | None
    data_digest: str | None
    code: str | None
    packages: str | None
    configuration: dict[str, Any]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "TrialRow":
        """Converts a row of SQLite, of any schema.

        Raises:
            TrialbookError: Trialbook did not write the row.
        """
        values: dict[str, Any] = {**dict.fromkeys(SINCE_1["trial"]), **dict(row)}
        try:
            point, state = Point.read(json.loads(values.pop("overrides"))), TrialState(values.pop("state"))
            metrics, configuration = (json.loads(values.pop(name) or "{}") for name in ("metrics", "configuration"))
            return cls(point=point, state=state, metrics=metrics, configuration=configuration, **values)
        except (KeyError, TypeError, ValueError) as error:
            raise TrialbookError(f"a row of the study cannot be read: {error!r}. Expected one that Trialbook wrote.") from error
