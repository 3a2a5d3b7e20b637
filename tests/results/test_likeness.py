"""What `like=` makes of a command line."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hydra.core.config_loader import ConfigLoader

from src.errors import ConfigError
from src.job import CHECKPOINT
from src.oracles import Proposal
from src.results.likeness import expanded
from src.running.recorder import ELSEWHERE, Recorder
from src.study.folders import of_trial
from src.study.store import Store
from src.training.checkpoint import Checkpoint
from tests.running.conftest import OBJECTIVE, Driven, units

SWEEP, SECOND = "20260101-000000-aaaa", f"{1:032x}"


@pytest.fixture
def sweep(loader: ConfigLoader, space: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sweep with three trials, the second of them the best."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "mlruns" / "sweeps" / SWEEP
    folder.mkdir(parents=True)
    driven = Driven(loader, folder, space).run(units, "model.units=12,18,14", "optimizer=sgd", "optimizer.momentum=0.5")
    store = driven.recorder.store
    store.describe(sweep_id=SWEEP, name="widths", objective=str(OBJECTIVE))
    store._db.execute("update trial set run_id = ? where number = 1", (SECOND,))
    store._db.execute("update trial set run_id = null where number = 2")
    return folder


def words(loader: ConfigLoader, *argv: str) -> list[str]:
    return expanded(loader, argv).argv[len(argv) :]


BEST = ["data=digits", "model.units=18", "optimizer=sgd", "optimizer.momentum=0.5"]


@pytest.mark.parametrize("text", ["latest", "widths", SWEEP, "latest:1", "1", SECOND])
def test_a_trial_is_found_by_any_of_its_names(text: str, sweep: Path, loader: ConfigLoader) -> None:
    found = expanded(loader, [f"like={text}"])
    assert sorted(found.argv[1:]) == sorted(BEST) and found.name == SECOND and found.about == {"like": SECOND}


def test_a_row_of_the_table_is_found_by_its_place(sweep: Path, loader: ConfigLoader) -> None:
    found = expanded(loader, ["like=widths:2"])
    assert "model.units=14" in found.argv and found.name == f"{SWEEP}:2", "it has no run"


def test_what_the_command_line_says_wins(sweep: Path, loader: ConfigLoader) -> None:
    assert "model.units=18" not in words(loader, "-m", "like=latest", "model.units=30,40")
    assert sorted(words(loader, "like=latest", "optimizer=adam")) == ["data=digits", "model.units=18"], "adam has no momentum"


def test_values_of_conf_that_have_changed_are_those_of_then(sweep: Path, loader: ConfigLoader) -> None:
    store = Store.reopen(sweep / "study.db")
    then = store.trials()[1].configuration
    store._db.execute("update trial set configuration = ?", (json.dumps(then | {"training.batch_size": 7}),))
    assert "training.batch_size=7" in words(loader, "like=latest")
    assert "training.batch_size=7" not in words(loader, "like=latest", "training.batch_size=9")
    store._db.execute("update trial set configuration = ?", (json.dumps(then | {"training.gone": 7}),))
    with pytest.raises(ConfigError, match=r"conf/ does not have training\.gone any more"):
        words(loader, "like=latest")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["like=lates"], "did you mean 'latest'?"),
        (["like=latest:4"], "it has 3 rows with a score; expected like=latest:1"),
        (["like=latest:best"], "expected like=latest:1"),
        (["like=latest", "sweeps=dropout"], "sweeps=dropout also says what to run"),
        (["like=latest", "go_on=true", "training.epochs=60"], "the checkpoint of latest was not kept"),
    ],
)
def test_what_cannot_be_is_told(argv: list[str], said: str, sweep: Path, loader: ConfigLoader) -> None:
    with pytest.raises(ConfigError) as told:
        expanded(loader, argv)
    assert said in str(told.value)


def test_a_training_goes_on_from_a_checkpoint_that_was_kept(sweep: Path, loader: ConfigLoader) -> None:
    state = {"weights": np.zeros(2)}
    content = Checkpoint({"loss": [0.5, 0.4, 0.3]}, state, 3, state).to_bytes()
    file = of_trial(sweep, 1) / CHECKPOINT
    file.write_bytes(content)
    for argv, said in (
        (["training.epochs=3"], "latest has trained 3 epochs; expected training.epochs=… above that"),
        (["training.epochs=9", "optimizer.momentum=0.9"], "optimizer.momentum=0.9: go_on=true takes it from the checkpoint"),
    ):
        with pytest.raises(ConfigError) as told:
            expanded(loader, ["like=latest", "go_on=true", *argv])
        assert said in str(told.value)
    facts = expanded(loader, ["like=latest", "go_on=true", "training.epochs=9"]).about["go_on"]
    assert facts == {"checkpoint": str(file), "epochs": 3, "code": "", "packages": ""}

    store = Store.create(None, go_on=facts | {"code": "3f2a"})
    recorder = Recorder(store, Folder(sweep / "new"), OBJECTIVE, [], {"trialbook.code": "77ab"}, {})
    assert recorder._checkpoint(0, Proposal({})) == (content, ELSEWHERE)
    assert recorder._identity(0, {"model": {}}, {}, ELSEWHERE).code == "3f2a+77ab"
    file.write_bytes(content[:-1])
    with pytest.raises(ConfigError, match="cannot be used: its checkpoint is damaged"):
        expanded(loader, ["like=latest", "go_on=true", "training.epochs=9"])


class Folder:
    """In the place of an outbox."""

    def __init__(self, folder: Path) -> None:
        self.folder_of = lambda _number: folder
