"""Every file of sweeps/: it parses, says its question and command, and its trials compose."""

import shutil
from collections.abc import Callable
from pathlib import Path

import hydra
import pytest
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from src.config.auto import settle
from src.config.command_line import read
from src.config.mistakes import find_mistakes
from src.config.paths import CONF, ROOT
from src.errors import ConfigError
from src.objective import Objective
from src.running.invocation import Invocation
from src.space import Space, overrides
from tests.conftest import options

SWEEPS = options("sweeps")


def test_there_are_sweeps() -> None:
    assert len(SWEEPS) >= 3
    assert (CONF / "sweeps").resolve() == ROOT / "sweeps"


@pytest.mark.parametrize("name", SWEEPS)
def test_a_sweep_composes(name: str, loader: ConfigLoader) -> None:
    request = read(loader, [f"sweeps={name}"], multirun=False)
    assert request.multirun, "hydra.mode: MULTIRUN is missing"
    assert not find_mistakes(request)
    points = list(Space.of(request).samples())
    assert len(points) > 1
    for point in points:
        config = loader.load_configuration("config", overrides(point), RunMode.RUN)
        settle(config)


@pytest.mark.parametrize("name", SWEEPS)
def test_a_sweep_says_its_question_and_command(name: str) -> None:
    lines = (ROOT / "sweeps" / f"{name}.yaml").read_text().splitlines()
    assert lines[0] == "# @package _global_"
    assert lines[1].startswith("# ") and lines[1].endswith("?")
    assert f"python -m src.sweep sweeps={name}" in lines[2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("hydra:\n  mode: MULTIRUN\n", "its first line must be '# @package _global_'"),
        ("# @package _global_\ntraining: {epochs: 5\n", "line 3, column 1"),
        ("# @package _global_\ntrainig: {epochs: 5}\n", "did you mean 'training.epochs'?"),
        ("# @package _global_\nhydra: {mode: MULTIRUN, sweeper: {params: {optimizer: 'sgd,adm'}}}\n", "did you mean 'adam'?"),
        ("# @package _global_\nhydra: {mode: MULTIRUN, sweeper: {trials: [[model.dropuot=0.1]]}}\n", "did you mean 'model.dropout'?"),
        ("# @package _global_\ntags: [paper, mlflow.parentRunId]\n", "mlflow.* and trialbook.* are set by MLflow and Trialbook"),
        ("# @package _global_\nhydra: {mode: MULTIRUN, sweeper: {parms: {seed: '1,2'}}}\n", "did you mean 'params'?"),
        ("# @package _global_\nhydra: {mode: MULTRUN}\n", "hydra.mode is 'MULTRUN'; did you mean 'MULTIRUN'?"),
        ("# @package _global_\nhydra: {job: {chdir: true}}\n", "hydra.job is not supported"),
        ("# @package _global_\nhydra: x\n", "expected a mapping with sweeper"),
        ("# @package _global_\nhydra: {sweeper: null}\n", "hydra.sweeper is None; expected a mapping"),
        ("# @package _global_\nhydra: {sweeper: {params: [seed, 1]}}\n", "expected a mapping of keys to values"),
        ("# @package _global_\nhydra: {sweeper: {trials: ['optimizer=adam']}}\n", "a list of trials, each a list of overrides"),
        ("# @package _global_\nhydra: {sweeper: {trials: [[1]]}}\n", "a list of trials, each a list of overrides"),
        ("# @package _global_\nhydra: {sweeper: {when: ['optimizer=sgd']}}\n", "a mapping of KEY=VALUE to params"),
        ("# @package _global_\nhydra: {sweeper: {exclude: {seed: 1}}}\n", "a list of mappings of keys to values"),
        (
            "# @package _global_\nhydra: {sweeper: {trials: [[seed=1]], reported: [{val_accuracy: high}]}}\n",
            "a list of mappings of metrics to numbers",
        ),
    ],
)
def test_a_mistake_in_a_sweep_file_names_the_file(content: str, message: str, tmp_path: Path) -> None:
    shutil.copytree(CONF, tmp_path / "conf")
    (tmp_path / "conf" / "sweeps" / "mine.yaml").write_text(content)
    with hydra.initialize_config_dir(str(tmp_path / "conf"), version_base="1.3"):
        mistakes = find_mistakes(read(GlobalHydra.instance().config_loader(), ["sweeps=mine"], multirun=False))
    assert any(message in mistake and mistake.startswith("sweeps/mine.yaml") for mistake in mistakes), mistakes


def test_a_file_of_conf_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    shutil.copytree(CONF, tmp_path / "conf")
    (tmp_path / "conf" / "model" / "one_layer.yaml").write_text("units: [1, 2\n")
    with hydra.initialize_config_dir(str(tmp_path / "conf"), version_base="1.3"), pytest.raises(ConfigError) as told:
        find_mistakes(read(GlobalHydra.instance().config_loader(), ["model=one_layer", "model.units=3"], multirun=False))
    assert "conf/model/one_layer.yaml, line 2, column 1" in str(told.value)


def test_settings_that_only_hydras_own_main_heeds_are_refused(conf: Callable[[dict[str, str]], ConfigLoader]) -> None:
    text = (CONF / "config.yaml").read_text().replace("chdir: false", "chdir: true\n  callbacks: {x: {_target_: os.getcwd}}")
    mistakes = find_mistakes(read(conf({"config.yaml": text}), [], multirun=False))
    for key in ("hydra.job.chdir", "hydra.callbacks.x._target_"):
        assert f"conf/config.yaml: {key} is not supported; of Hydra's own settings expected hydra.run.dir or hydra.sweep.dir." in mistakes


def test_an_oracle_of_the_command_line_takes_only_its_own_settings(loader: ConfigLoader, tmp_path: Path) -> None:
    lines = ["sweeps=learning_rate", "oracle=hyperband"]  # the file says oracle.max_trials
    config = loader.load_configuration("config", lines, RunMode.MULTIRUN)
    settle(config)
    request = read(loader, lines, multirun=True)
    assert not find_mistakes(request)
    found = Invocation(Space.of(request), config, Objective.parse(config.objective), request.sweep, [], False, tmp_path).oracle
    assert found.keys() == {"name", "_target_", "max_epochs", "factor", "iterations", "sampler", "seed", "first"}
