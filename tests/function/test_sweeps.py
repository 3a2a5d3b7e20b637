"""A sweep of a function, or of a command, through the whole command line."""

import csv
import io
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from src.config.paths import ROOT
from tests.conftest import Command, overlay, runs_of
from tests.function.slope import DESCENT, OPTIONS, SLOPE

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
