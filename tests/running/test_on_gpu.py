"""The executor of a sweep that names none."""

from collections.abc import Callable

import pytest
from hydra.core.config_loader import ConfigLoader

from src import trial
from src.config.command_line import read_command_line
from src.executors import create, fused
from src.executors.fused import Fused
from src.executors.inline import Inline
from src.running import on_gpu
from src.running.invocation import Invocation

SWEEP = ("-m", "data=digits", "optimizer=sgd,adam")


@pytest.fixture
def chosen(loader: ConfigLoader, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Words of a command line → the invocation on a machine with these GPUs."""

    def invocation(*words: str, gpus: tuple[str, ...] = ("0",)) -> Invocation:
        monkeypatch.setattr(on_gpu, "gpus", lambda: list(gpus))
        monkeypatch.setattr(fused, "gpus", lambda: list(gpus))
        line = read_command_line(loader, list(words))
        on_gpu.choose_executor(line.request, line.config)
        return Invocation.of(line.request, line.config)

    return invocation


@pytest.mark.parametrize(("oracle", "slots"), [("grid", 256), ("bayesian", 8)])
def test_a_sweep_on_a_gpu_is_stacked_and_says_so(chosen: Callable, oracle: str, slots: int) -> None:
    invocation = chosen(*SWEEP, f"oracle={oracle}")
    executor = create(invocation.executor)
    assert isinstance(executor, Fused) and executor.slots == slots
    assert executor.headline == f"up to {slots} trials of one structure are one program on the GPU; executor=inline runs them one by one"
    assert invocation.config.hydra.runtime.choices.executor == "fused", "as it is recorded"


@pytest.mark.parametrize(
    ("words", "gpus"),
    [
        pytest.param(SWEEP, (), id="no GPU"),
        pytest.param((*SWEEP, "executor=inline"), ("0",), id="named"),
        pytest.param(("data=digits",), ("0",), id="one trial"),
    ],
)
def test_otherwise_nothing_changes(chosen: Callable, words: tuple[str, ...], gpus: tuple[str, ...]) -> None:
    assert isinstance(create(chosen(*words, gpus=gpus).executor, trial.run), Inline)
