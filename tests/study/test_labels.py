"""Name, note and tags that change after a sweep has begun."""

from pathlib import Path

import pytest
from hydra.core.config_loader import ConfigLoader

from src.config.composer import Composer
from src.errors import ConfigError
from src.oracles import Proposal
from src.study import labels
from src.study.labels import Labels, changed
from src.study.messages import Message
from src.study.store import Store

NEW = Labels("widths", "after lunch", ["paper"])


@pytest.fixture
def store() -> Store:
    store = Store.create(None, sweep_id="ID", name="", note="before lunch", tags=["baseline"], page=["**Why?**", "| rank |"])
    store.start_trial(0, Proposal({}), "hash", {}, Message(0, "start", {}))
    return store


def test_the_study_and_every_run_get_the_new_labels(store: Store) -> None:
    assert labels.later(store.meta()) == {}, "nobody has changed them"
    labels.relabel(store, NEW)
    assert Labels.of(store.meta()) == NEW
    expected = {"paper": "true", "baseline": "false", "trialbook.sweep_name": "widths", "trialbook.note": "after lunch"}
    _, sweep, trial = store.undelivered()
    assert sweep.number is None and sweep.payload["tags"] == expected | {
        "mlflow.runName": "widths ID",
        "mlflow.note.content": "**Why?**\n\nafter lunch\n\n| rank |",
    }
    assert trial.number == 0 and trial.payload["tags"] == expected and trial.payload["state"] is None


def test_a_sweep_that_goes_on_keeps_them_whatever_its_command_says(store: Store, loader: ConfigLoader) -> None:
    config = Composer(loader)(["note='before lunch'", "tags=[baseline]"])
    labels.settle(store.meta(), config)
    assert config.note == "before lunch"
    labels.relabel(store, NEW)
    labels.settle(store.meta(), config)
    assert (config.name, config.note, list(config.tags)) == ("widths", "after lunch", ["paper"])
    assert labels.later(store.meta())["paper"] == "true"


def test_mistakes_of_labels_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlruns" / "sweeps" / "20260101-000000-aaaa").mkdir(parents=True)
    for rename in ("latest", "12", "a,b", "a:2", "two words"):
        with pytest.raises(ConfigError, match=r"(?s)2 mistakes.*rename=.*tags=mlflow"):
            changed(Labels(), rename=rename, tags="mlflow.x")
    with pytest.raises(ConfigError, match="it is the id of a sweep"):
        changed(Labels(), rename="20260101-000000-aaaa")
    assert changed(NEW, rename="null", tags="[]") == Labels("", "after lunch", [])
