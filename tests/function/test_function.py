"""Trials that are functions: what `run(config, report)` may report and return."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from src import function
from src.errors import Cancelled, ConfigError, Stop
from src.job import CHECKPOINT, Job, Outcome
from src.states import TrialState

PLACE = "src.trials.command"
Body = Callable[[dict[str, Any], function.Report], Any]


class Ran:
    """One attempt at a trial that is a function.

    Attributes:
        steps: those that were recorded.
        outcome: how it ended.
    """

    def __init__(self, folder: Path, checkpoint: bytes | None, stop_at: int, stop: type[Stop]) -> None:
        self.steps: list[tuple[int, dict[str, float]]] = []
        self._stop_at, self._stop = stop_at, stop
        config = {"trial": {"_target_": f"{PLACE}.run", "uses": [], "rate": 0.5}, "seed": 7, "objective": "min:loss"}
        self.outcome: Outcome = function.run(Job(0, 1, config, folder, checkpoint), self._record, self._check_stop)

    def _record(self, step: int, metrics: dict[str, float]) -> None:
        self.steps.append((step, metrics))

    def _check_stop(self) -> None:
        if len(self.steps) >= self._stop_at:
            raise self._stop("interrupted")


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    def run(body: Body, checkpoint: bytes | None = None, stop_at: int = 1000, stop: type[Stop] = Stop) -> Ran:
        body.__module__ = PLACE
        monkeypatch.setattr(f"{PLACE}.run", body)
        return Ran(tmp_path, checkpoint, stop_at, stop)

    return run


def returning(value: Any) -> Body:
    return lambda _config, _report: value


def reporting(*steps: tuple[int, Any]) -> Body:
    def body(_: dict[str, Any], report: function.Report) -> float:
        for step, metrics in steps:
            report(step, metrics)
        return 0.5

    return body


def test_a_number_is_the_score_whatever_the_steps_said(ran: Callable[..., Ran]) -> None:
    trial = ran(reporting((1, {"loss": 3, "gap": 1}), (4, {"gap": 0.5, "loss": 2})))
    assert trial.steps == [(1, {"loss": 3.0, "gap": 1.0}), (4, {"gap": 0.5, "loss": 2.0})]
    assert trial.outcome.state == TrialState.FINISHED
    assert trial.outcome.metrics["kept/loss"] == 0.5 and "kept/gap" not in trial.outcome.metrics
    assert trial.outcome.metrics["kept/epoch"] == 4 and trial.outcome.metrics["seconds"] > 0
    assert trial.outcome.history == {"loss": [3.0, 2.0], "gap": [1.0, 0.5]}


def test_a_mapping_may_have_more_than_the_objective(ran: Callable[..., Ran]) -> None:
    trial = ran(returning({"loss": 1, "top 3": True}))
    kept = {name: value for name, value in trial.outcome.metrics.items() if name.startswith("kept/")}
    assert kept == {"kept/loss": 1.0, "kept/top 3": 1.0}
    assert trial.steps == [] and trial.outcome.history == {}


def test_it_sees_its_values_and_its_seed(ran: Callable[..., Ran]) -> None:
    assert ran(lambda config, _: config["trial"]["rate"] + config["seed"]).outcome.metrics["kept/loss"] == 7.5


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (returning({"gap": 1}), "the function returned gap; expected loss among them"),
        (returning({}), "expected loss among them"),
        (returning(float("nan")), "the result: loss is nan; expected a finite number"),
        (returning({"loss": 1, "gap": float("inf")}), "gap is inf; expected a finite number"),
        (returning(None), "loss is None; expected a number"),
        (returning("good"), "loss is 'good'; expected a number"),
        (returning({"loss": [1, 2]}), "expected a number"),
        (returning({"loss": 1, "top@3": 1}), "no metric can be named 'top@3'; expected letters, digits"),
        (returning({"loss": 1, "seconds": 1}), "no metric can be named 'seconds'"),
        (reporting((1, 0.5)), "step 1: received 0.5; expected a mapping"),
        (reporting((1, {})), "step 1: received {}; expected a mapping"),
        (reporting((1, {"loss": float("nan")})), "step 1: loss is nan"),
        (reporting((1, {"loss": "low"})), "step 1: loss is 'low'; expected a number"),
        (reporting((1, {"epoch": 1})), "no metric can be named 'epoch'"),
        (reporting((1, {"a//b": 1})), "no metric can be named 'a//b'"),
        (reporting((0, {"loss": 1})), r"report\(0, …\).*from 1 on"),
        (reporting((2, {"loss": 1}), (2, {"loss": 1})), r"report\(2, …\) after step 2; expected steps in ascending order"),
        (reporting((2, {"loss": 1}), (1, {"loss": 1})), r"report\(1, …\) after step 2"),
        (reporting((1, {"loss": 1}), (2, {"gap": 1})), r"report\(2, …\) has gap; expected loss, as in the first step"),
        (reporting((1, {"loss": 1}), (2, {"loss": 1, "gap": 1})), "has loss, gap; expected loss"),
    ],
)
def test_what_is_no_score_and_no_step_fails_the_trial(body: Body, cause: str, ran: Callable[..., Ran]) -> None:
    trial = ran(body)
    assert trial.outcome.state == TrialState.FAILED
    assert re.search(cause, trial.outcome.cause), trial.outcome.cause
    assert b"TrialError" in trial.outcome.files["traceback.txt"]


@pytest.mark.parametrize("error", [ZeroDivisionError("by nothing"), SystemExit("enough")])
def test_an_exception_fails_the_trial_and_its_traceback_is_kept(error: BaseException, ran: Callable[..., Ran]) -> None:
    def body(*_: Any) -> None:
        raise error

    outcome = ran(body).outcome
    assert outcome.state == TrialState.FAILED
    assert re.fullmatch(rf"{type(error).__name__}: {error}  \(.*test_function\.py:\d+\)", outcome.cause), "and where it was raised"
    assert list(outcome.files) == ["traceback.txt"] and b"in body" in outcome.files["traceback.txt"]


def test_a_stop_ends_it_after_the_step_that_was_recorded(ran: Callable[..., Ran]) -> None:
    trial = ran(reporting(*((step, {"loss": 1}) for step in range(1, 10))), stop_at=3)
    assert trial.outcome.state == TrialState.KILLED and trial.outcome.cause == "interrupted"
    assert [step for step, _ in trial.steps] == [1, 2, 3]


def test_one_that_is_cancelled_is_scored_by_its_last_step(ran: Callable[..., Ran]) -> None:
    outcome = ran(reporting(*((step, {"loss": step, "gap": 1}) for step in range(1, 10))), stop_at=3, stop=Cancelled).outcome
    kept = {name: value for name, value in outcome.metrics.items() if name.startswith("kept/")}
    assert outcome.state == TrialState.PRUNED and kept == {"kept/loss": 3.0, "kept/gap": 1.0, "kept/epoch": 3}
    without = ran(reporting((1, {"gap": 1}), (2, {"gap": 1})), stop_at=1, stop=Cancelled).outcome
    assert without.state == TrialState.KILLED and not without.metrics


def test_one_that_catches_it_may_return_another_score(ran: Callable[..., Ran]) -> None:
    def body(_: dict[str, Any], report: function.Report) -> float:
        try:
            report(1, {"loss": 4})
        except Stop:
            return 3.5
        return 1.0

    outcome = ran(body, stop_at=1, stop=Cancelled).outcome
    assert outcome.state == TrialState.PRUNED and outcome.metrics["kept/loss"] == 3.5


def test_between_steps_it_may_ask_whether_to_stop(ran: Callable[..., Ran]) -> None:
    assert ran(lambda _, report: report.check_stop(), stop_at=0).outcome.state == TrialState.KILLED


def test_a_checkpoint_is_written_and_given_back(ran: Callable[..., Ran], tmp_path: Path) -> None:
    def body(_: dict[str, Any], report: function.Report) -> float:
        begun = int(report.checkpoint or b"0")
        for step in range(begun + 1, 6):
            report(step, {"loss": step}, checkpoint=str(step).encode())
        return begun

    assert ran(body, stop_at=2).outcome.state == TrialState.KILLED
    checkpoint = (tmp_path / CHECKPOINT).read_bytes()
    assert checkpoint == b"2"
    trial = ran(body, checkpoint)
    assert [step for step, _ in trial.steps] == [3, 4, 5]
    assert trial.outcome.metrics["kept/loss"] == 2.0 and trial.outcome.metrics["kept/epoch"] == 5


def test_its_files_are_kept_with_their_folders(ran: Callable[..., Ran]) -> None:
    def body(_: dict[str, Any], report: function.Report) -> float:
        (report.folder / "samples").mkdir()
        (report.folder / "notes.txt").write_text("a")
        (report.folder / "samples" / "1.bin").write_bytes(b"\x00")
        report.log.info("two files")
        return 1.0

    assert ran(body).outcome.files == {"files/notes.txt": b"a", "files/samples/1.bin": b"\x00"}


@pytest.mark.parametrize("target", ["src.trials.nowhere.run", "src.trials.command.subprocess", "os.getcwd"])
def test_a_function_that_is_not_there_is_told_before_the_first_trial(target: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(target)) as told:
        function.check([{"trial": {"_target_": target}}, {"trial": {"_target_": target}}, {"trial": {"_target_": f"{PLACE}.run"}}])
    assert len(told.value.mistakes) == 1
