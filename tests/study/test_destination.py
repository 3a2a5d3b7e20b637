"""The store and the experiment of a study: the same again, or refused with both names."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hydra.core.config_loader import ConfigLoader
from mlflow import MlflowClient

from src.config.composer import Composer
from src.errors import ConfigError
from src.objective import Objective
from src.running.bookkeeping import check_record
from src.running.invocation import Invocation
from src.study import destination
from src.study.store import Store
from src.tracking.store import connect


@pytest.fixture
def asked(loader: ConfigLoader, space: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Invocation]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlruns/mlflow.db")  # MLflow keeps one client per address in a process

    def make(**settings: str) -> Invocation:
        config = Composer(loader)([f"{key}={value}" for key, value in settings.items()])
        return Invocation(space("data=digits"), config, Objective.parse(config.objective), None, [], False, tmp_path)

    return make


@pytest.fixture
def old(tmp_path: Path, store_uri: str) -> Path:
    """A sweep that was recorded in the experiment `paper`."""
    client, experiment = connect(store_uri, "paper")
    folder = tmp_path / "mlruns" / "sweeps" / "S"
    folder.mkdir(parents=True)
    parent = client.create_run(experiment).info.run_id
    meta = {"experiment": "paper", "parent_run": parent, **destination.described(store_uri, experiment, folder)}
    Store.create(folder / "study.db", **meta).close()
    return folder


def test_another_store_or_experiment_is_refused_with_both_names(asked: Callable, old: Path, tmp_path: Path) -> None:
    check_record(asked(**{"tracking.experiment": "paper"}), old)
    with pytest.raises(ConfigError, match=r"tracking.experiment: paper then, digits now; expected MLFLOW_EXPERIMENT_NAME=paper"):
        check_record(asked(**{"tracking.experiment": "digits"}), old)
    with pytest.raises(ConfigError, match=f"{tmp_path}/mlruns/mlflow.db then, sqlite:///{tmp_path}/other.db now"):
        check_record(asked(**{"tracking.experiment": "paper", "tracking.uri": "sqlite:///other.db"}), old)
    assert not (tmp_path / "other.db").exists()


def test_a_renamed_experiment_is_found_by_its_id(asked: Callable, old: Path, store_uri: str) -> None:
    client = MlflowClient(store_uri)
    client.rename_experiment(client.get_experiment_by_name("paper").experiment_id, "article")
    client.create_experiment("paper")
    for name in ("paper", "article"):
        check_record(asked(**{"tracking.experiment": name}), old)
    with pytest.raises(ConfigError, match="article then, digits now"):
        check_record(asked(**{"tracking.experiment": "digits"}), old)


def test_addresses_are_compared_by_what_they_mean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "here" / "sweeps" / "S"
    folder.mkdir(parents=True)
    meta = destination.described("sqlite:///here/mlflow.db", "1", folder)
    (tmp_path / "here" / "mlflow.db").touch()
    assert destination.is_same(f"sqlite:///{tmp_path}/here/mlflow.db?timeout=60", meta, folder)
    assert not destination.is_same("sqlite:///there/mlflow.db", meta, folder)
    (tmp_path / "here").rename(tmp_path / "there")  # both together
    assert destination.is_same("sqlite:///there/mlflow.db", meta, tmp_path / "there" / "sweeps" / "S")
    assert not destination.is_same("sqlite:///there/team.db", meta, tmp_path / "there" / "sweeps" / "S")
    server = destination.described("postgresql://me:tiger@host/runs", "1", folder)
    assert "tiger" not in str(server) and destination.is_same("postgresql://you:lion@host/runs", server, folder)
    assert destination.uri_of(server, "postgresql://me:tiger@host/runs") == "postgresql://me:tiger@host/runs"
    assert destination.uri_of(server, "sqlite:///mlruns/mlflow.db") == "postgresql://host/runs"


def test_the_next_commands_name_a_store_that_is_not_the_default(asked: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked().prefix == asked(**{"tracking.uri": f"sqlite:///{tmp_path}/mlruns/mlflow.db"}).prefix == ""
    other = replace(asked(**{"tracking.uri": "'sqlite:///a b.db'"}), command="python -m src.sweep -m seed=1,2")
    assert other.prefix == "MLFLOW_TRACKING_URI='sqlite:///a b.db' "
    assert other.command_to_resume.startswith(f"{other.prefix}python -m src.sweep -m seed=1,2 resume=")
    assert "tiger" not in destination.prefix("http://me:tiger@host:5000")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "my paper")
    assert other.command_to_resume.startswith(f"{other.prefix}MLFLOW_EXPERIMENT_NAME='my paper' python -m src.sweep ")
    other = replace(other, command="python -m src.sweep tracking.uri=x tracking.experiment=y")
    assert other.command_to_resume.startswith("python -m src.sweep tracking.uri=x tracking.experiment=y resume=")
