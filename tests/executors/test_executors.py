"""The contract of the executors, whatever runs the trials: what is called back, and when; deaths, time-outs, cancelling."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from typing import Any

import psutil
import pytest
from omegaconf import OmegaConf

from src import executors
from src.config.paths import CONF
from src.errors import Cancelled, ConfigError, Stop, TrialbookError
from src.executors import Executor, pool
from src.job import Job, Outcome
from tests.conftest import options
from tests.executors.fakes import Heard
from tests.waiting import PATIENCE, until

RAY = [pytest.mark.slow, pytest.mark.xdist_group("ray")]  # they share a cluster
EXECUTORS = [pytest.param(name, marks=RAY if name == "ray" else ()) for name in options("executor")]
WITH_PROCESSES = [one for one in EXECUTORS if one.values[0] not in ("inline", "fused")]
RAY_LATER = ["local", pytest.param("ray", marks=[*RAY, pytest.mark.long])]


def refuse(mistakes: list[str]) -> None:
    raise ConfigError(mistakes)


def stub(job: Job, report: Callable, check_stop: Callable) -> Outcome:
    """A trial whose configuration says what happens to it."""
    what = job.config.get("what", "")
    logging.getLogger("src").warning("it %s", what)
    report(1, {"val_accuracy": job.number + 0.1})
    if what == "dies" and job.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "sleeps":
        time.sleep(600)
    try:
        while what == "waits":
            check_stop()
            time.sleep(0.01)
    except Stop as stop:
        return Outcome("PRUNED" if isinstance(stop, Cancelled) else "KILLED", cause=str(stop))
    report(2, {"val_accuracy": job.number + 0.2})
    return Outcome("FINISHED", {"kept/val_accuracy": float(job.number)}, files={"pid": str(os.getpid()).encode()})


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="module")
def end_cluster() -> Iterator[Callable[[], None]]:
    """Ends the Ray cluster that these tests share; else each of them would start one, for seconds."""

    def end() -> None:
        if ray := sys.modules.get("ray"):
            ray.shutdown()

    yield end
    end()


@pytest.fixture
def own_cluster(end_cluster: Callable[[], None]) -> None:
    """What `create` makes of Ray starts a cluster, and its end is the cluster's."""
    end_cluster()


@pytest.fixture
def create(
    heard: Heard, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, end_cluster: Callable[[], None]
) -> Iterator[Callable[..., Executor]]:
    monkeypatch.setattr(pool, "PATIENCE", PATIENCE)  # on a busy machine, too, every worker begins with what it was given
    made = []

    def new(name: str, **settings: Any) -> Executor:
        if name == "ray" and "own_cluster" not in request.fixturenames:
            monkeypatch.setattr("ray.shutdown", lambda: None)
            settings = {"workers": 2, **settings}  # for the first of them is the size of the cluster
        node = OmegaConf.to_container(OmegaConf.merge(OmegaConf.load(CONF / "executor" / f"{name}.yaml"), settings), resolve=False)
        made.append(executors.create({**node, **({"threads": 1} if "threads" in node else {})}, stub))
        made[-1].listener = heard.listener
        return made[-1]

    yield new
    for executor in made:
        executor.close()


def drain(executor: Executor, heard: Heard, number: int) -> None:
    """Waits until so many trials are over."""
    until(lambda: heard.over >= number or executor.wait(0.5) or heard.over >= number, why=lambda: heard.events)


@pytest.mark.parametrize("name", ["inline", "fused", *RAY_LATER])
def test_events_come_in_order_and_only_in_wait(name: str, create: Callable, heard: Heard, tmp_path: Path) -> None:
    executor = create(name)
    executor.submit(Job(3, 1, {"what": "says hunter22"}, tmp_path, secrets={"hunter22": "PET"}))
    assert not heard.events
    drain(executor, heard, 1)
    assert heard.events == [(3, 1, {"val_accuracy": 3.1}), (3, 2, {"val_accuracy": 3.2}), (3, "FINISHED")]
    assert "it says ${oc.env:PET}\n" in (tmp_path / "trial.log").read_text()


@pytest.mark.parametrize("name", RAY_LATER)
def test_a_death_costs_one_trial_alone(name: str, create: Callable, heard: Heard, tmp_path: Path) -> None:
    executor = create(name, workers=2)
    for number, what in enumerate(("dies", "")):
        executor.submit(Job(number, 1, {"what": what}, tmp_path))
    drain(executor, heard, 2)
    assert {event for event in heard.events if len(event) == 2} == {(0, "died"), (1, "FINISHED")}
    executor.submit(Job(0, 2, {"what": "dies"}, tmp_path))
    drain(executor, heard, 3)
    assert heard.events[-1] == (0, "FINISHED")


@pytest.mark.parametrize("name", RAY_LATER)
def test_a_trial_that_takes_too_long_fails(name: str, create: Callable, heard: Heard, tmp_path: Path) -> None:
    executor = create(name, workers=1, minutes_per_trial=0.01)
    executor.submit(Job(0, 1, {"what": "sleeps"}, tmp_path))
    drain(executor, heard, 1)
    assert heard.outcomes[0].state == "FAILED" and heard.outcomes[0].cause == "took longer than 0.01 minutes"


@pytest.mark.parametrize("name", WITH_PROCESSES)
def test_what_runs_is_cancelled_when_asked(name: str, create: Callable, heard: Heard, tmp_path: Path) -> None:
    executor = create(name, workers=2)
    for number in range(2):
        executor.submit(Job(number, 1, {"what": "waits"}, tmp_path))
    until(lambda: executor.wait(0.1) or sum(len(event) == 3 for event in heard.events) == 2)
    heard.stopping = True
    drain(executor, heard, 2)
    assert {outcome.state for outcome in heard.outcomes.values()} == {"KILLED"}


@pytest.mark.parametrize("name", EXECUTORS)
def test_one_trial_is_cancelled_and_no_other(name: str, create: Callable, heard: Heard, tmp_path: Path) -> None:
    executor = create(name, **({} if name in ("inline", "fused") else {"workers": 2}))
    heard.on_epoch = lambda number: [executor.cancel(one) for one in (number, 99) if number in (0, 2)]
    for number, what in enumerate(("waits", "", "waits", "")):
        executor.submit(Job(number, 1, {"what": what}, tmp_path))
        drain(executor, heard, number)
    drain(executor, heard, 4)
    assert {number: outcome.state for number, outcome in heard.outcomes.items()} == {0: "PRUNED", 1: "FINISHED", 2: "PRUNED", 3: "FINISHED"}
    heard.on_epoch = lambda number: None
    executor.cancel(0)
    executor.submit(Job(0, 2, {"what": ""}, tmp_path))
    drain(executor, heard, 5)
    assert heard.outcomes[0].state == "FINISHED", "it had ended before"


@pytest.mark.parametrize("name", EXECUTORS)
def test_functions_are_called_where_trials_run(name: str, create: Callable) -> None:
    executor = create(name)
    assert executor.apply(divmod, 7, 2)() == (3, 1)
    with pytest.raises(ConfigError) as told:
        executor.apply(refuse, ["one", "two"])()
    assert told.value.mistakes == ["one", "two"]
    if name not in ("inline", "fused"):
        with pytest.raises(TrialbookError, match="_exit: its process died"):
            executor.apply(os._exit, 3)()
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            executor.apply(divmod, 7, 0)()


def test_a_call_that_waits_for_a_worker_outlives_its_death(create: Callable) -> None:
    executor = create("local", workers=1)
    first, second = executor.apply(os._exit, 3), executor.apply(divmod, 7, 2)
    with pytest.raises(TrialbookError, match="_exit: its process died"):
        first()
    assert second() == (3, 1)


def processes() -> set[psutil.Process]:
    """This process's children without those that Ray keeps for the cluster, of which it may start more at any time."""
    found = set()
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            words = child.cmdline()
            if "-c" in words:  # a fork server's code names sys.path, and so Ray's folders
                words = words[: words.index("-c")]
            program = " ".join(words)
            if "/ray/" not in program and not program.startswith(("ray::IDLE", "ray::DashboardAgent", "ray::RuntimeEnvAgent")):
                found.add(child)
    return found


@pytest.mark.parametrize("name", RAY_LATER)
@pytest.mark.usefixtures("own_cluster")
def test_processes_serve_many_trials_and_leave_none_behind(name: str, create: Callable, heard: Heard, tmp_path: Path) -> None:
    resource_tracker.ensure_running()  # multiprocessing's own, which stay
    forkserver.ensure_running()
    executor, before = create(name, workers=2), processes()
    executor.warm_up(50)
    for number in range(50):
        executor.submit(Job(number, 1, {}, tmp_path))
        drain(executor, heard, number)
    drain(executor, heard, 50)
    assert len({outcome.files["pid"] for outcome in heard.outcomes.values()}) == 2
    assert len(processes() - before) >= 2
    executor.close()
    until(lambda: not processes() - before)


def test_files_in_folders_of_a_trial_are_sent_too(tmp_path: Path) -> None:
    from src.executors.ray_cluster import _changed_files

    for name in ("trial.log", "callbacks/logs/epochs.csv", ".half.12345678"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    sent: dict[Path, int] = {}
    assert {file.name: file.content.decode() for file in _changed_files(tmp_path, sent)} == {
        name: name for name in ("trial.log", "callbacks/logs/epochs.csv")
    }
    assert not list(_changed_files(tmp_path, sent))
