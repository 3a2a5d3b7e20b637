"""Labels of a sweep: name, note and tags. A user may change them later, in the study and, through the outbox, in MLflow."""

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

RELABELLED = "relabelled"  # a fact of the study, set once its labels were changed


@dataclass(frozen=True)
class Labels:
    """The labels of a sweep; empty ones are not set."""

    name: str = ""
    note: str = ""
    tags: Sequence[str] = ()

    @classmethod
    def of(cls, meta: Mapping[str, str]) -> "Labels":
        """Reads the labels of a study."""
        return cls(meta.get("name", ""), meta.get("note", ""), json.loads(meta.get("tags", "[]")))

    def run_tags(self) -> dict[str, str]:
        """Returns the tags of its runs in MLflow, which takes no $, { and } in the name of a tag."""
        tags = {re.sub(r"[${}]", "", redacted(str(tag))): "true" for tag in self.tags}
        if self.name:
            tags["trialbook.sweep_name"] = self.name
        if self.note:
            tags["trialbook.note"] = self.note
        return tags


def change(folder: Path, uri: str, **words: str) -> str:
    """Changes the labels of a sweep; returns a line that says if MLflow has them.

    Args:
        uri: address of the store in the environment or conf/.
        words: as `changed` takes them.

    Raises:
        ConfigError: the words have mistakes; the message lists all of them.
    """
    with closing(Store.reopen(folder / "study.db")) as store:
        meta = store.meta()
        relabel(store, changed(Labels.of(meta), **words))
    if is_driven(folder):
        return "changed; the sweep's own process updates MLflow within seconds"
    try:
        deliver(folder, destination.uri_of(meta, uri))
    except TrialbookError as error:
        return f"changed, but not in MLflow yet: {error} Later: python -m src.doctor --fix"
    return "changed, in MLflow, too"


def changed(then: Labels, *, rename: str = "", note: str = "", tags: str = "") -> Labels:
    """Returns the labels after a change by words of a command line; an empty word changes nothing, `null` and `[]` remove.

    Raises:
        ConfigError: the words have mistakes; the message lists all of them.

    >>> changed(Labels("widths", "before lunch", ["baseline"]), note="null", tags="[paper,draft]")
    Labels(name='widths', note='', tags=['paper', 'draft'])
    """
    listed = _listed(tags) if tags else list(then.tags)
    values: dict[str, tuple[str, str, Any]] = {  # word on the command line → its text, the key in conf/config.yaml, the value
        "rename": (rename, "name", rename),
        "note": (note, "note", note),
        "tags": (tags, "tags", listed),
    }
    mistakes = []
    for word, (text, key, value) in values.items():
        if text not in ("", "null") and (rule := expected(key, value, [] if key == "tags" else None)):
            mistakes.append(f"{word}={text}: expected {rule}.")
    if rename and (SWEEPS / rename).exists():
        mistakes.append(f"rename={rename}: it is the id of a sweep; expected another name.")
    if mistakes:
        raise ConfigError(mistakes)
    return Labels(_replaced(then.name, rename), _replaced(then.note, note), listed)


def _replaced(old: str, new: str) -> str:
    return "" if new == "null" else new or old


def _listed(text: str) -> list[str]:
    inner = text.removeprefix("[").removesuffix("]")
    return [word.strip() for word in inner.split(",")] if inner.strip() else []


def relabel(store: Store, labels: Labels) -> None:
    """Changes the labels of a sweep in its study, and adds messages that change its runs in MLflow."""
    meta = store.meta()
    removed = {tag: "false" for tag in Labels.of(meta).tags if tag not in labels.tags}
    tags = removed | labels.run_tags() | {"trialbook.note": labels.note}
    of_sweep = tags | {"mlflow.runName": f"{labels.name or 'sweep'} {meta.get('sweep_id', '')}".strip()}
    if "page" in meta:
        of_sweep["mlflow.note.content"] = page_text(json.loads(meta["page"]), labels.note)
    messages = [_tagging(None, of_sweep), *(_tagging(row.number, tags) for row in store.trials())]
    facts = {"name": labels.name, "note": labels.note, "tags": list(labels.tags)}
    store.describe(*messages, **facts, **{RELABELLED: True})


def _tagging(number: int | None, tags: dict[str, str]) -> Message:
    """Returns the message that adds tags to a run, in whatever state it is."""
    return Message(number, "end", {"state": None, "metrics": {}, "tags": tags, "time": time.time(), "files": "none"})


def page_text(page: Sequence[str], note: str) -> str:
    """Returns the text of a sweep's page in MLflow: the note below the first part. Parts that do not fit in a tag are left out."""
    text = ""
    for part in filter(None, [page[0], note, *page[1:]]):
        if len(text) + len(part) + 2 <= LONGEST_TAG:
            text += f"\n\n{part}" if text else part
    return text


def later(meta: Mapping[str, str]) -> dict[str, str]:
    """Returns the tags of a sweep's labels if they were changed after it started; otherwise none."""
    return Labels.of(meta).run_tags() if RELABELLED in meta else {}


def settle(meta: Mapping[str, str], config: DictConfig) -> None:
    """Copies the labels of a sweep into its configuration, if they were changed after it started."""
    if RELABELLED in meta:
        labels = Labels.of(meta)
        OmegaConf.update(config, "name", labels.name or None)
        OmegaConf.update(config, "note", labels.note or None)
        OmegaConf.update(config, "tags", list(labels.tags))
