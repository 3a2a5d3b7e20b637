"""The labels that people give a sweep: name, note and tags. They may change later, in its study and, by the outbox, in MLflow."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from src.config.rules import LONGEST_TAG, expected
from src.errors import ConfigError, TrialbookError
from src.redaction import redacted
from src.study import destination
from src.study.delivery import deliver
from src.study.finding import SWEEPS
from src.study.lock import is_driven
from src.study.messages import Message
from src.study.store import Store

RELABELLED = "relabelled"  # key of the study's facts: what the labels are now, where somebody changed them


@dataclass(frozen=True)
class Labels:
    """The labels of a sweep; empty ones are none."""

    name: str = ""
    note: str = ""
    tags: Sequence[str] = ()

    @classmethod
    def of(cls, meta: Mapping[str, str]) -> "Labels":
        """Returns those of a study."""
        return cls(meta.get("name", ""), meta.get("note", ""), json.loads(meta.get("tags", "[]")))

    def run_tags(self) -> dict[str, str]:
        """Returns the tags of its runs; first those of the user, so that ours win. MLflow takes no $ and {}."""
        own = {re.sub(r"[${}]", "", redacted(str(tag))): "true" for tag in self.tags}
        return own | ({"trialbook.sweep_name": self.name} if self.name else {}) | ({"trialbook.note": self.note} if self.note else {})


def change(folder: Path, uri: str, **words: str) -> str:
    """Changes the labels of a sweep; returns a line that says where they have arrived.

    Args:
        uri: of the store that the environment or conf/ says.
        words: as `changed` takes them.

    Raises:
        ConfigError: with every mistake of the words.
    """
    with closing(Store.reopen(folder / "study.db")) as store:
        meta = store.meta()
        relabel(store, changed(Labels.of(meta), **words))
    if is_driven(folder):
        return "changed; the sweep's own process tells MLflow within seconds"
    try:
        deliver(folder, destination.uri_of(meta, uri))
    except TrialbookError as error:
        return f"changed, but not in MLflow yet: {error} Later: python -m src.doctor --fix"
    return "changed, in MLflow, too"


def changed(then: Labels, *, rename: str = "", note: str = "", tags: str = "") -> Labels:
    """Returns the labels after a change by words of a command line; an empty word changes nothing, `null` and `[]` remove.

    Raises:
        ConfigError: with every mistake.

    >>> changed(Labels("widths", "before lunch", ["baseline"]), note="null", tags="[paper,draft]")
    Labels(name='widths', note='', tags=['paper', 'draft'])
    """
    listed = _listed(tags) if tags else list(then.tags)
    checked: list[tuple[str, str, str, Any]] = [
        ("rename", rename, "name", rename),
        ("note", note, "note", note),
        ("tags", tags, "tags", listed),
    ]
    given = [one for one in checked if one[1] not in ("", "null")]
    rules = [(f"{word}={text}", expected(key, value, [] if key == "tags" else None)) for word, text, key, value in given]
    mistakes = [f"{words}: expected {rule}." for words, rule in rules if rule]
    if rename and (SWEEPS / rename).exists():
        mistakes.append(f"rename={rename}: it is the id of a sweep; expected another name.")
    if mistakes:
        raise ConfigError(mistakes)
    name, words = ("" if new == "null" else new or old for new, old in ((rename, then.name), (note, then.note)))
    return Labels(name, words, listed)


def _listed(text: str) -> list[str]:
    inner = text.removeprefix("[").removesuffix("]")
    return [word.strip() for word in inner.split(",")] if inner.strip() else []


def relabel(store: Store, labels: Labels) -> None:
    """Changes the labels of a sweep; its runs follow."""
    meta = store.meta()
    gone = {tag: "false" for tag in Labels.of(meta).tags if tag not in labels.tags}
    tags = gone | labels.run_tags() | {"trialbook.note": labels.note}
    title = {"mlflow.runName": f"{labels.name or 'sweep'} {meta.get('sweep_id', '')}".strip()}
    if "page" in meta:
        title["mlflow.note.content"] = page_text(json.loads(meta["page"]), labels.note)
    owners = [None, *(row.number for row in store.trials())]
    messages = [Message(owner, "end", _adding(tags | (title if owner is None else {}))) for owner in owners]
    facts = {"name": labels.name, "note": labels.note, "tags": list(labels.tags)}
    store.describe(*messages, **facts, **{RELABELLED: True})


def _adding(tags: dict[str, str]) -> dict[str, object]:
    """Returns the message that adds tags to a run, whatever its state."""
    return {"state": None, "metrics": {}, "tags": tags, "time": time.time(), "files": "none"}


def page_text(page: Sequence[str], note: str) -> str:
    """Returns the text of a sweep's page in MLflow: the parts that fit in a tag.

    Args:
        page: the part above the note, then those that follow it.
    """
    text = ""
    for part in filter(None, [page[0], note, *page[1:]]):
        if len(text) + len(part) + 2 <= LONGEST_TAG:
            text += f"\n\n{part}" if text else part
    return text


def later(meta: Mapping[str, str]) -> dict[str, str]:
    """Returns the tags of runs, where somebody changed the labels after the sweep had begun; otherwise none."""
    return Labels.of(meta).run_tags() if RELABELLED in meta else {}


def settle(meta: Mapping[str, str], config: DictConfig) -> None:
    """Gives a sweep's configuration the labels that somebody gave the sweep since."""
    if RELABELLED in meta:
        labels = Labels.of(meta)
        OmegaConf.update(config, "name", labels.name or None)
        OmegaConf.update(config, "note", labels.note or None)
        OmegaConf.update(config, "tags", list(labels.tags))
