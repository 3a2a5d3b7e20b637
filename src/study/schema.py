"""What a study's file consists of, and what a trial is when it starts."""

from dataclasses import dataclass, field
from typing import Any

SCHEMA_VERSION = 2
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
SINCE_1 = {  # table → columns, all text
    "trial": ("config_hash", "data_digest", "code", "packages", "configuration"),
    "outbox": ("refused",),
}


@dataclass(frozen=True)
class Identity:
    """What makes the result of a trial this one, as far as it is known when it starts.

    Attributes:
        config_hash: of the values of its configuration without the seed.
        code, packages: what it runs, as src/study/record.py names them.
        configuration: config path → value, with the seed.
    """

    config_hash: str = ""
    code: str = ""
    packages: str = ""
    configuration: dict[str, Any] = field(default_factory=dict)


UNKNOWN = Identity()
