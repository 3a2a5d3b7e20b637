"""One trial on digits, recorded as a sweep records it without the seconds that a sweep takes, and what attacks on it must not reach."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from src import trial
from src.config.command_line import conf_loader
from src.config.composer import Composer
from src.config.paths import trial_config
from src.running import record
from src.study import provenance
from src.tracking.runs import Runs, StoredRun
from src.tracking.store import connect

POINT = {"data": "digits", "training": "fixed_epochs", "training.epochs": "1", "model.units": "8"}
COMMANDS = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "subprocess.Popen")
commands: list[str] = []


def watch(event: str, _: tuple) -> None:
    """Notes the commands that this process runs; such a hook cannot be removed."""
    if event in COMMANDS:
        commands.append(event)


sys.addaudithook(watch)


def trained(seed: int = 42) -> tuple[dict, trial.Outcome]:
    """A trial's configuration and its outcome."""
    with conf_loader() as loader:
        lines = [f"{key}={value}" for key, value in POINT.items()]
        config = trial_config(Composer(loader)([*lines, f"seed={seed}"]))
    outcome = trial.run(trial.Job(0, 1, config, Path()), lambda *_: None, lambda: None)
    assert outcome.state == "FINISHED", outcome.cause
    return config, outcome


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, Path]:
    """A store, the trial's run in it, and the folder of its files."""
    mlruns = tmp_path_factory.mktemp("mlruns")
    uri = f"sqlite:///{mlruns}/mlflow.db"
    config, outcome = trained()
    client, experiment = connect(uri, "digits")
    around = {"mlflow.source.git.commit": provenance.commit(), "trialbook.code_dirty": "false", "trialbook.versions": provenance.versions()}
    tags = {**record.trial_tags(0, 1, config, POINT), **record.ended_tags(outcome), **around}
    run_id = client.create_run(experiment, tags=tags, run_name="trial").info.run_id
    client.log_param(run_id, "data", "digits")
    for name, value in outcome.metrics.items():
        client.log_metric(run_id, name, value)
    with tempfile.TemporaryDirectory() as files:
        for name, content in outcome.files.items():
            (Path(files) / name).write_bytes(content)
        client.log_artifacts(run_id, files)
    return uri, run_id, mlruns / "artifacts" / run_id / "artifacts"


@pytest.fixture
def run(kept: tuple[str, str, Path]) -> StoredRun:
    return Runs(kept[0]).read(kept[1])


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder that every attack aims at; nothing may be in it afterwards, and no command may have run."""
    folder = tmp_path / "outside"
    folder.mkdir()
    commands.clear()
    yield folder
    assert not commands and not list(folder.iterdir())
