"""Trials that are commands: the words that they get, the lines that they print, and how they end."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from src.config.paths import ROOT
from src.errors import Cancelled, Stop, TrialError
from src.function import Report
from src.job import Job
from src.trials import command
from tests.waiting import until

Steps = list[tuple[int, dict[str, float]]]
Run = Callable[..., dict[str, float]]
CHILD = """
import json, os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(json.dumps({"step": 1, "own": os.getpid(), "child": child.pid}), flush=True)
time.sleep(600)
"""


@pytest.fixture
def steps() -> Steps:
    return []


@pytest.fixture
def run(tmp_path: Path, steps: Steps, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs Python code as the command of a trial; its result."""
    monkeypatch.setattr(command, "SECONDS", 0.05)

    def ran(code: str, *words: str, stop: Callable[[], Any] = lambda: None, **values: Any) -> dict[str, float]:
        config = {"trial": {"command": [sys.executable, "-c", code, *words], **values}, "seed": 7, "objective": "min:loss"}
        report = Report(Job(0, 1, config, tmp_path), lambda step, metrics: steps.append((step, metrics)), stop)
        report.folder.mkdir()
        return command.run(config, report)

    return ran


def printing(*lines: str) -> str:
    return f"for line in {lines!r}: print(line, flush=True)"


def test_its_words_are_arguments_that_no_shell_reads(run: Run, tmp_path: Path) -> None:
    code = "import json, sys; open(sys.argv[1] + '/words', 'w').write(json.dumps(sys.argv[2:])); print('{\"loss\": 1}')"
    words = ["{folder}", "{rate}", "--seed={seed}", '{"rate": {rate}, "more": {}}', "{nowhere}", "{text}", "$HOME", "*"]
    assert run(code, *words, rate=0.5, text="a b; `ls` {rate} {seed}") == {"loss": 1.0}
    got = json.loads((tmp_path / "files" / "words").read_text())
    assert got == ["0.5", "--seed=7", '{"rate": 0.5, "more": {}}', "{nowhere}", "a b; `ls` {rate} {seed}", "$HOME", "*"]


def test_a_word_that_is_no_text_is_one_for_the_command(run: Run) -> None:
    assert run("import sys; print('{\"loss\": ' + sys.argv[1] + sys.argv[2] + '}')", 1, "{units}", units=2) == {"loss": 12.0}


def test_lines_of_json_are_steps_and_the_last_one_without_a_step_is_the_result(run: Run, steps: Steps) -> None:
    others = ["loading", "{half", "[1, 2]", '{"name": "x"}', ' {"loss": 9}', ""]
    told = ['{"loss": 5}', '{"step": 1, "loss": 3, "name": "x"}', *others, '{"step": 10, "loss": 2}', '{"loss": 0.5, "gap": 1}', "bye"]
    assert run(printing(*told)) == {"loss": 0.5, "gap": 1.0}
    assert steps == [(1, {"loss": 3.0}), (10, {"loss": 2.0})]


def test_steps_are_recorded_while_it_runs(run: Run, steps: Steps, tmp_path: Path) -> None:
    code = 'import os, sys, time\nprint(\'{"step": 1, "loss": 3}\', flush=True)\n'
    code += "while not os.path.exists(sys.argv[1] + '/seen'): time.sleep(0.02)\nprint('{\"loss\": 1}')"
    assert run(code, "{folder}", stop=lambda: steps and (tmp_path / "files" / "seen").touch()) == {"loss": 1.0}
    assert steps == [(1, {"loss": 3.0})]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "import sys; print('{\"loss\": 1}'); print('no memory', file=sys.stderr); sys.exit(3)",
            r"ended with 3; expected 0\.(.|\n)*no memory",
        ),
        ("import os; os.kill(os.getpid(), 9)", "ended with -9; expected 0"),
        (printing("first", '{"step": 1, "loss": 2}', '{"name": "x"}'), r"printed no result(.|\n)*first"),
        ("", "printed no result"),
        (printing('{"step": 1, "loss": NaN}') + "\nimport time; time.sleep(600)", "step 1: loss is nan; expected a finite number"),
        (printing('{"step": 2, "loss": 1}', '{"step": 1, "loss": 1}') + "\nimport time; time.sleep(600)", "after step 2"),
    ],
)
def test_one_that_fails_says_why(code: str, said: str, run: Run) -> None:
    with pytest.raises(TrialError) as told:
        run(code)
    assert re.search(said, str(told.value)), told.value


def test_of_much_that_it_said_the_last_lines_are_shown(run: Run) -> None:
    with pytest.raises(TrialError) as told:
        run("for number in range(9000): print('line', number)")
    shown = re.findall(r"line (\d+)", str(told.value))
    assert shown[-1] == "8999" and len(shown) == command.KEPT


def gone(pid: int) -> bool:
    """True for one that ended, even if nobody has asked for its exit code yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize("error", [Stop, Cancelled])
def test_a_stop_kills_it_and_its_children(error: type[Stop], run: Run, steps: Steps) -> None:
    def stop() -> None:
        if steps:
            raise error("interrupted")

    with pytest.raises(error):
        run(CHILD, stop=stop)
    [(_, found)] = steps
    assert os.getpid() not in found.values()
    until(lambda: all(gone(int(pid)) for pid in found.values()))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent is gone")
def test_it_ends_when_the_process_of_its_trial_is_killed(tmp_path: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from types import SimpleNamespace
from src.trials import command
words = [sys.executable, "-c", "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(600)"]
report = SimpleNamespace(folder=Path("."), check_stop=lambda: None)
command.run({{"trial": {{"command": words}}, "seed": 1}}, report)
"""
    file = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path) as trial:
        until(lambda: file.exists() and file.read_text())
        trial.kill()
    until(lambda: gone(int(file.read_text())))
