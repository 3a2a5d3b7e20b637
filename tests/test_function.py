"""Trials that are functions: what `run(config, report)` may report and return, and a sweep of one through the whole command."""

import csv
import io
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hydra.core.config_loader import ConfigLoader

from src import function
from src.config.command_line import read_command_line
from src.config.paths import ROOT
from src.errors import Cancelled, ConfigError, Stop, TrialbookError
from src.job import CHECKPOINT, Job, Outcome
from src.promotion.candidate import replay
from src.states import TrialState
from tests.conftest import Command, overlay, runs_of

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


SLOPE = """# Gradient descent on a parabola; one trial of a sweep may interrupt it.
_target_: src.trials.slope.run
objective: min:loss
uses: []
rate: 0.1
interrupted: false
"""
DESCENT = '''"""Gradient descent on a parabola."""

import json
import os
import signal


def run(config, report):
    rate, start = config["trial"]["rate"], report.checkpoint
    done, x = json.loads(start or b"[0, 4.0]")
    (report.folder / "begun").mkdir(exist_ok=True)
    (report.folder / "begun" / "after.txt").write_text(str(done))
    for step in range(done + 1, 6):
        x -= rate * 2 * x
        if step == 3 and rate == 0.4 and config["trial"]["interrupted"] and not start:
            os.kill(os.getpid(), signal.SIGTERM)
        report(step, {"loss": x * x}, checkpoint=json.dumps([step, x]).encode())
    return {"loss": x * x + 1, "x": x}
'''
USING = "_target_: src.trials.slope.run\nobjective: min:loss\nuses: [optimizer]\nrate: 0.1\n"
COMMAND = f"""_target_: src.trials.command.run
objective: min:loss
uses: []
command: [{sys.executable}, -c, "import sys; print('{{\\"loss\\": ' + sys.argv[1] + '}}')", "{{rate}}"]
rate: 0.1
"""
OPTIONS = {"trial/slope.yaml": SLOPE, "trial/using.yaml": USING, "trial/program.yaml": COMMAND}
LISTED = re.compile(r"^ *[\d-]+ +\d+ .*FINISHED", re.MULTILINE)


@pytest.fixture
def added(tmp_path: Path) -> dict[str, str]:
    """The environment in which the command finds the options of OPTIONS."""
    return overlay(tmp_path, {"slope": DESCENT}, OPTIONS)


def study(folder: Path, question: str) -> list[tuple]:
    return sqlite3.connect(next((folder / "mlruns" / "sweeps").glob("*/study.db"))).execute(question).fetchall()


def after(rate: float, steps: int) -> float:
    x = 4.0
    for _ in range(steps):
        x -= rate * 2 * x
    return x


def test_a_sweep_of_a_function_goes_on_from_its_checkpoint_and_its_score_is_what_it_returned(
    command: Command, added: dict[str, str], store_uri: str, tmp_path: Path
) -> None:
    words = ["src.sweep", "-m", "trial=slope", "trial.rate=0.1,0.4", "trial.interrupted=true"]
    stopped = command(*words, **added)
    assert stopped.returncode == 143 and "resume=" in stopped.stdout and "Traceback" not in stopped.stdout + stopped.stderr
    assert study(tmp_path, "select state from trial order by number") == [("FINISHED",), ("KILLED",)]
    done = command(*words, "resume=latest", **added)
    assert done.returncode == 0, done.stdout + done.stderr
    scores = [after(rate, 5) ** 2 + 1 for rate in (0.1, 0.4)]
    assert study(tmp_path, "select state, attempts, score from trial order by number") == [
        ("FINISHED", 1, pytest.approx(scores[0])),
        ("FINISHED", 1, pytest.approx(scores[1])),
    ], "a trial that was stopped in order has lost no attempt"
    assert study(tmp_path, "select number, count(*) from epoch group by number order by number") == [(0, 5), (1, 5)]
    assert study(tmp_path, "select epochs, kept_epoch from trial") == [(5, 5), (5, 5)], "those of the first attempt, too"

    rows = LISTED.findall(done.stdout)
    assert len(rows) == 2 and f"{scores[1]:.4f}" in rows[0] and f"{scores[0]:.4f}" in rows[1]
    assert "src.promote" not in done.stdout and "repeats the best trial" in done.stdout
    assert LISTED.findall(command("src.compare", **added).stdout) == rows
    table = csv.DictReader(io.StringIO(command("src.compare", "format=csv", **added).stdout))
    assert [float(row["loss"]) for row in table] == pytest.approx(sorted(scores), abs=1e-4)

    found = runs_of(store_uri, "slope")
    [parent] = [run for run in found if run.data.tags["trialbook.kind"] == "sweep"]
    best, other = sorted((run for run in found if run is not parent), key=lambda run: run.data.metrics["kept/loss"])
    assert parent.data.metrics["kept/loss"] == best.data.metrics["kept/loss"] == pytest.approx(scores[1])
    assert other.data.metrics["kept/x"] == pytest.approx(after(0.1, 5)) and other.data.metrics["loss"] == pytest.approx(scores[0] - 1)
    assert best.data.params["trial"] == "slope" and "optimizer" not in best.data.params and "trial.uses" not in best.data.params
    kept = tmp_path / "mlruns" / "artifacts" / best.info.run_id / "artifacts"
    assert (kept / "files" / "begun" / "after.txt").read_text() == "3" and (kept / "config.yaml").exists()

    refused = command("src.promote", **added)
    assert refused.returncode == 2 and "trial=slope is a function" in refused.stderr and "Traceback" not in refused.stderr


def test_bayesian_learns_from_what_a_function_returns(command: Command, added: dict[str, str], tmp_path: Path) -> None:
    budget = ["oracle=bayesian", "oracle.max_trials=5", "oracle.initial_points=3"]
    done = command("src.sweep", "-m", "trial=slope", *budget, "trial.rate=interval(0.1,0.4)", **added)
    assert done.returncode == 0, done.stdout + done.stderr
    assert study(tmp_path, "select count(distinct score) from trial where state = 'FINISHED'") == [(5,)]


def test_asha_lets_the_best_of_a_function_go_on_from_their_checkpoints(command: Command, added: dict[str, str], tmp_path: Path) -> None:
    folder = Path(added["TRIALBOOK_ADDED"])
    (folder / "conf" / "trial" / "walk.yaml").write_text(SLOPE.replace("slope.run", "walk.run").replace("uses: []", "uses: [training]"))
    (folder / "src" / "trials" / "walk.py").write_text(DESCENT.replace("6)", "config['training']['epochs'] + 1)"))
    budget = ["oracle=asha", "oracle.max_trials=6", "oracle.max_epochs=4", "oracle.factor=2"]
    done = command("src.sweep", "-m", "trial=walk", *budget, "trial.rate=interval(0.1,0.4)", **added)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = study(tmp_path, "select number, parent, initial_epoch, rung_epochs, score, overrides from trial order by number")
    steps = dict(study(tmp_path, "select number, count(*) from epoch group by number"))
    assert sum(row[1] is None for row in rows) == 6 and {row[3] for row in rows} == {1, 2, 4}
    for number, parent, begun, epochs, score, words in rows:
        rate = float(re.search(r"trial\.rate\W+([\d.e-]+)", words)[1])
        assert score == pytest.approx(after(rate, epochs) ** 2 + 1)
        assert steps[number] == epochs - begun
        assert (begun == 0) if parent is None else (rows[parent][3] == begun)
    best = min(rows, key=lambda row: row[4])
    assert best[3] == 4 and f"{best[4]:.4f}" in LISTED.findall(done.stdout)[0], "the first in the table is a whole one"
    refused = command("src.sweep", "-m", "trial=slope", *budget, "trial.rate=interval(0.1,0.4)", **added)
    assert refused.returncode == 2 and "oracle=asha: it decides on training.epochs, which no trial uses" in refused.stderr


def test_processes_run_a_command(command: Command, added: dict[str, str], tmp_path: Path) -> None:
    workers = ["executor=local", "executor.workers=2"]
    done = command("src.sweep", "-m", "trial=program", "trial.rate=0.25,0.5", *workers, **added)
    assert done.returncode == 0, done.stdout + done.stderr
    assert study(tmp_path, "select score from trial order by number") == [(0.25,), (0.5,)]


@pytest.mark.slow
def test_no_tensorflow_is_imported(added: dict[str, str], store_uri: str, tmp_path: Path) -> None:
    words = ["src.sweep", "-m", "trial=slope", "trial.rate=0.1,0.4", f"tracking.uri={store_uri}"]
    code = (
        "import runpy, sys\n"
        "from pathlib import Path\n"
        "import src.config.command_line, src.config.help\n"
        "from tests import warm\n"
        f"warm.add(Path({added['TRIALBOOK_ADDED']!r}))\n"
        f"sys.argv = {words!r}\n"
        "try:\n    runpy.run_module('src.sweep', run_name='__main__', alter_sys=True)\n"
        "except SystemExit as end: print('CODE', end.code)\n"
        "print('HEAVY', sorted({'tensorflow', 'keras', 'keras_tuner'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert len(LISTED.findall(done.stdout)) == 2, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "HEAVY []"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("trial=slope optimizer=sgd", "optimizer=sgd: slope does not use 'optimizer'"),
        ("trial=slope training.epochs=2", "training.epochs=2: slope does not use 'training'"),
        ("trial=using model.units=8", "model.units=8: using does not use 'model'"),
        ("trial=slope trial.uses=[data]", "trial.uses=.*: it is settled in a file"),
        ("trial=slope trial.objective=max:x", "trial.objective=.*: it is settled in a file"),
        ("trial=program trial.command=[ls]", "trial.command=.*: it is settled in a file"),
        ("trial=slope +trial.command=[ls]", "trial.command=.*: it is settled in a file"),
        ("trial=slope trial._target_=src.trials.command.run", "trial._target_=.*: chosen by the name of an option"),
        ("-m trial=keras,slope trial.rate=0.1,0.2", "trial=keras,slope: a sweep has one trial"),
        ("trial=slop", "did you mean 'slope'"),
        ("trial=slope trial.rat=0.2", "did you mean 'trial.rate'"),
        ("trial=slope trial.rate=fast", "'fast', where trial.rate is a number"),
        ("trial.rate=0.2", "trial=keras has no 'trial.rate'"),
        ("-m trial=slope trial.rate=0.1,0.2 objective=gap", "expected a metric such as .* min:gap or max:gap"),
    ],
)
def test_what_a_function_has_not_is_refused(words: str, said: str, conf: Callable[[dict[str, str]], ConfigLoader]) -> None:
    with pytest.raises(ConfigError, match=said):
        read_command_line(conf(OPTIONS), words.split())


@pytest.mark.parametrize("words", ["trial=using optimizer=sgd,adam", "trial=slope trial.rate=1,2 objective=max:x", "trial=slope seed=1,2"])
def test_what_a_function_has_is_taken(words: str, conf: Callable[[dict[str, str]], ConfigLoader]) -> None:
    read_command_line(conf(OPTIONS), ["-m", *words.split()])


def recorded(words: str, **choices: str) -> SimpleNamespace:
    return SimpleNamespace(run_id="r1", overrides=words, choices={"trial": "using", **choices})


def test_recorded_values_of_its_keys_are_replayed(conf: Callable[[dict[str, str]], ConfigLoader]) -> None:
    lines, config = replay(recorded("trial=using trial.rate=0.3 optimizer=sgd seed=7", optimizer="sgd"), conf(OPTIONS))
    assert len(lines) == 4 and config["trial"]["rate"] == 0.3 and config["seed"] == 7


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("+trial.x=1", r"\+trial\.x=1 is no key of its function; expected those that its file in conf/trial/ lists"),
        ("++trial.x=1", r"\+\+trial\.x=1 is no key of its function"),
        ("trial.x=1", "trial.x"),
        ("'trial.rate=${oc.env:HOME}'", "trial.rate"),
        ("trial._target_=os.getcwd", "_target_"),
        ("trial.rate=fast", "'fast', where trial.rate is a number"),
        ("trial.uses=[data]", "it is settled in a file"),
        ("model.units=8", "using does not use 'model'"),
        ("hydra.run.dir=x", "hydra.run.dir=x is no part of a trial"),
    ],
)
def test_recorded_words_that_do_more_are_refused(words: str, said: str, conf: Callable[[dict[str, str]], ConfigLoader]) -> None:
    with pytest.raises(TrialbookError, match=f"run r1 cannot be used: .*{said}|run r1 cannot be used: Nothing was started(?s:.)*{said}"):
        replay(recorded(f"trial=using trial.rate=0.3 {words}"), conf(OPTIONS))


def test_words_of_another_function_than_the_recorded_one_are_refused(conf: Callable[[dict[str, str]], ConfigLoader]) -> None:
    with pytest.raises(TrialbookError, match="it says trial=using, its overrides say trial=slope; expected the same"):
        replay(recorded("trial=slope trial.rate=0.3"), conf(OPTIONS))
