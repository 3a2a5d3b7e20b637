"""Fixtures: the real conf/, composed and shrunk; a store that is copied instead of created; the command in a subprocess."""

from tests import surroundings  # noqa: F401  first: what is imported next reads the environment

# isort: split
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
import pytest
from filelock import FileLock
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from src.config.command_line import conf_loader, read, read_command_line
from src.config.composer import Composer
from src.config.paths import CONF, ROOT, TRIAL_KEYS
from src.space import Space
from tests.waiting import PATIENCE

if TYPE_CHECKING:
    from mlflow.entities import Run

pytest_plugins = ["tests.tiers"]
Compose = Callable[..., dict[str, Any]]


def pytest_collection_finish() -> None:
    """A test that makes a model may come before the first one that trains; by then the number of threads cannot be changed any more."""
    if "tensorflow" in sys.modules:
        from src.training import runtime

        runtime.configure(1)


@pytest.fixture(autouse=True)
def no_store_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the user's MLflow server, nor the store that a test before set: mlflow.set_tracking_uri writes into the environment."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def loader() -> Iterator[ConfigLoader]:
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


@pytest.fixture
def conf(tmp_path: Path) -> Iterator[Callable[[dict[str, str]], ConfigLoader]]:
    """More files (path in conf/ → content) → the loader of a copy of conf/ that has them."""
    with ExitStack() as stack:

        def made(files: dict[str, str]) -> ConfigLoader:
            shutil.copytree(CONF, tmp_path / "conf")
            for name, content in files.items():
                (tmp_path / "conf" / name).parent.mkdir(exist_ok=True)
                (tmp_path / "conf" / name).write_text(content)
            stack.enter_context(hydra.initialize_config_dir(str(tmp_path / "conf"), version_base="1.3"))
            return GlobalHydra.instance().config_loader()

        yield made


@pytest.fixture
def compose(loader: ConfigLoader) -> Compose:
    """Overrides → a trial's configuration, on digits for one epoch unless told otherwise."""

    def composed(*overrides: str) -> dict[str, Any]:
        config = Composer(loader)(["data=digits", "training.epochs=1", *overrides])
        return OmegaConf.to_container(OmegaConf.masked_copy(config, list(TRIAL_KEYS)), resolve=True)

    return composed


@pytest.fixture
def space(loader: ConfigLoader) -> Callable[..., Space]:
    """Overrides as typed behind `-m` → the space they mean."""
    return lambda *overrides: Space.of(read(loader, list(overrides), multirun=True))


@pytest.fixture(scope="session")
def prepared_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its schema, which takes seconds to create: the first worker that wants it does, for all."""
    from src.tracking.store import client

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "store"
    with client(f"sqlite:///{folder}/mlflow.db"):  # without an experiment, which would be tied to this folder
        return folder / "mlflow.db"


@pytest.fixture
def first_port() -> Iterator[None]:
    """`make ui` takes the first free port; of two that start at once the second would wait for the answer of the first."""
    with FileLock(Path(tempfile.gettempdir()) / f"trialbook-ui-{os.getuid()}.lock"):
        yield


def runs_of(uri: str, experiment: str = "digits") -> "list[Run]":
    """All runs of an experiment, the newest first."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    return client.search_runs([client.get_experiment_by_name(experiment).experiment_id], order_by=["start_time DESC"])


@pytest.fixture
def store_uri(tmp_path: Path, prepared_store: Path) -> str:
    (tmp_path / "mlruns").mkdir(exist_ok=True)
    shutil.copy(prepared_store, tmp_path / "mlruns" / "mlflow.db")
    return f"sqlite:///{tmp_path}/mlruns/mlflow.db"


Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def cold_command(tmp_path: Path) -> Command:
    """Runs `python -m src.<verb> …` as a user would, with mlruns/ in a temporary folder."""

    def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def warm() -> Iterator["subprocess.Popen[str]"]:
    """A process that has imported TensorFlow and the like, and forks."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.warm"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def command(tmp_path: Path, warm: "subprocess.Popen[str]", store_uri: str) -> Command:
    """`cold_command` without the seconds that its imports and a new store take; it may run in another folder."""

    def run(*arguments: str, cwd: Path = tmp_path, **environment: str) -> "subprocess.CompletedProcess[str]":
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder) / "out", Path(folder) / "err"
            everything = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
            request = {"arguments": arguments, "cwd": str(cwd), "environment": everything, "out": str(out), "err": str(err)}
            warm.stdin.write(json.dumps(request) + "\n")
            warm.stdin.flush()
            code = int(warm.stdout.readline())
            return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())

    return run


@pytest.fixture
def in_this_process(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs a command's `main` with words; returns what it prints, or, where it exits with 2, what it says on stderr."""

    def run(main: Callable[[], Any], *words: str) -> str:
        monkeypatch.setattr(sys, "argv", [main.__module__, *words])
        try:
            main()
        except SystemExit as end:
            assert end.code == 2
            return capsys.readouterr().err
        return capsys.readouterr().out

    return run


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials without the picture of their curves, which takes longer than many a training here; others look at it."""
    monkeypatch.setattr("src.plots.curves.curves", lambda *_: b"")


def checked(argv: list[str]) -> list[str]:
    """Arguments of `python -m src.sweep` as Hydra takes them, after every check."""
    with conf_loader() as loader:
        return read_command_line(loader, argv).arguments


def overlay(tmp_path: Path, functions: dict[str, str], more: dict[str, str]) -> dict[str, str]:
    """The environment in which a command finds functions (name in src/trials/ → code) and more files (path in conf/ → content)."""
    folder = tmp_path / "added"
    shutil.copytree(CONF, folder / "conf")
    (folder / "src" / "trials").mkdir(parents=True)
    for name, code in functions.items():
        (folder / "src" / "trials" / f"{name}.py").write_text(code)
    for path, content in more.items():
        (folder / "conf" / path).write_text(content)
    return {"TRIALBOOK_ADDED": str(folder)}


def options(group: str) -> list[str]:
    """The options of a group of conf/, for tests that run over every file."""
    return sorted(file.stem for file in (CONF / group).glob("*.yaml"))


@pytest.fixture
def two_layer(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable], None]:
    """Puts another function in the place of the two-layer network's `build`."""

    def replace(build: Callable) -> None:
        build.__module__ = "src.models.two_layer"
        monkeypatch.setattr("src.models.two_layer.build", build)

    return replace
