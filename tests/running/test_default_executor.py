"""The executor of a sweep that names none."""

from collections.abc import Callable
from typing import Any

import pytest
from hydra.core.config_loader import ConfigLoader

from src import trial
from src.config.command_line import read_command_line
from src.executors import create, fused
from src.executors.fused import Fused
from src.executors.inline import Inline
from src.executors.machine import Node
from src.running import default_executor
from src.running.invocation import Invocation

SWEEP = ("-m", "data=digits", "optimizer=sgd,adam")


@pytest.fixture
def chosen(loader: ConfigLoader, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Words of a command line → the invocation on a machine with these GPUs."""

    def invocation(*words: str, gpus: tuple[str, ...] = ("0",), cores: int = 1) -> Invocation:
        monkeypatch.setattr(default_executor, "gpus", lambda: list(gpus))
        monkeypatch.setattr(fused, "gpus", lambda: list(gpus))
        monkeypatch.setattr(default_executor, "this_machine", lambda: Node(cores, 100.0, len(gpus)))
        line = read_command_line(loader, list(words))
        invocation = Invocation.of(line.request, line.config)
        default_executor.choose_executor(line.request, invocation)
        return invocation

    return invocation


@pytest.mark.parametrize(("oracle", "slots"), [("grid", 256), ("bayesian", 8)])
def test_a_sweep_on_a_gpu_is_stacked_and_says_so(chosen: Callable, oracle: str, slots: int) -> None:
    invocation = chosen(*SWEEP, f"oracle={oracle}")
    executor = create(invocation.executor)
    assert isinstance(executor, Fused) and executor.slots == slots
    assert executor.headline == f"up to {slots} trials of one structure are one program on the GPU; executor=inline runs them one by one"
    assert invocation.config.hydra.runtime.choices.executor == "fused", "as it is recorded"


@pytest.mark.parametrize(
    ("words", "threads", "workers"),
    [
        (("oracle=grid",), 1, "auto"),
        (("oracle=grid",), 4, "auto"),
        (("oracle=bayesian",), 1, 8),
        (("oracle=bayesian",), 4, "auto"),
        (("oracle=asha",), 1, 8),
        (("oracle=asha", "oracle.sampler=random"), 1, "auto"),
    ],
)
def test_a_sweep_on_several_cores_runs_trials_side_by_side(chosen: Callable, words: tuple[str, ...], threads: int, workers: Any) -> None:
    invocation = chosen(*SWEEP, *words, f"training.threads={threads}", gpus=(), cores=16)
    assert invocation.executor["workers"] == workers
    assert invocation.executor["threads"] == threads, "or trials would take more cores than there are"
    assert invocation.config.hydra.runtime.choices.executor == "local"


@pytest.mark.parametrize(
    ("words", "gpus", "cores"),
    [
        pytest.param(SWEEP, (), 1, id="one core, no GPU"),
        pytest.param((*SWEEP, "executor=inline"), ("0",), 16, id="named"),
        pytest.param(("data=digits",), ("0",), 16, id="one trial"),
    ],
)
def test_otherwise_nothing_changes(chosen: Callable, words: tuple[str, ...], gpus: tuple[str, ...], cores: int) -> None:
    assert isinstance(create(chosen(*words, gpus=gpus, cores=cores).executor, trial.run), Inline)
