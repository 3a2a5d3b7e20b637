"""`python -m src.promote` from a sweep to the alias, on digits."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from src import promote
from src.config.paths import ROOT
from src.errors import ConfigError, TrialbookError
from src.objective import Objective
from src.promotion.sweep_ended import check_ended, interruption
from src.results.leaderboard import Standing, TrialResult
from src.space.origin import Origin
from src.study.lock import driving
from src.tracking.registry import Registry
from src.ui import free_port
from tests.conftest import runs_of
from tests.waiting import PATIENCE, until

Run = Callable[..., tuple[int, str]]
DIGITS = ("data=digits", "training.engine=keras", "training.epochs=2")  # compiles nothing


@pytest.fixture
def swept(command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sweep of a good and a bad configuration, and the folder of its record as working directory."""
    done = command("src.sweep", "-m", *DIGITS, "training=fixed_epochs", "optimizer=adam", "model.units=16,64", "seed=1,2")
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri(tmp_path))  # MLflow keeps one client per address in a process
    return tmp_path


@pytest.fixture
def single(command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a finished single run, the folder of whose record is the working directory."""
    done = command("src.sweep", *DIGITS, "model.units=16")
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri(tmp_path))
    [run] = runs_of(uri(tmp_path))
    return str(run.info.run_id)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the verb in this process; its exit code and what it said."""

    def verb(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["promote", *words])
        try:
            code = promote.main()
        except SystemExit as end:
            code = int(end.code or 0)
        return code, "".join(capsys.readouterr())

    return verb


def uri(folder: Path) -> str:
    return f"sqlite:///{folder}/mlruns/mlflow.db"


def worst_run(folder: Path) -> str:
    study = next((folder / "mlruns" / "sweeps").glob("*/study.db"))
    return sqlite3.connect(study).execute("select run_id from trial order by score limit 1").fetchone()[0]


def test_from_a_sweep_to_the_champion_and_back(swept: Path, run: Run) -> None:
    client, bad = MlflowClient(uri(swept)), worst_run(swept)

    code, said = run("dry_run=true")
    assert code == 0 and "dry run: it would be promoted" in said
    assert "against a constant answer, 0." in said and "opening 1 of this test split: p must be below 0.03" in said
    assert not client.search_registered_models()

    code, said = run(f"run={bad}")
    assert code == 0 and "version 1 of digits is champion" in said

    code, said = run("why=better on Mondays")
    assert code == 0 and "version 2 of digits is champion" in said and "against the champion: +0." in said
    assert "opening 3 of this test split: p must be below 0.0034" in said
    champion = client.get_model_version_by_alias("digits", "champion")
    assert client.get_run(champion.run_id).data.params["model.units"] == "64"
    assert str(client.get_model_version_by_alias("digits", "previous").version) == "1"
    told = {"run", "sweep", "data_digest", "commit", "test_accuracy", "gain", "why"}
    assert {f"trialbook.{name}" for name in told} <= set(champion.tags)
    assert re.fullmatch(r"0\.\d{4} \[0\.\d{4}, [01]\.\d{4}\]", champion.tags["trialbook.test_accuracy"])
    with pytest.raises(MlflowException):
        client.get_model_version_by_alias("digits", "challenger")
    answer = mlflow.pyfunc.load_model("models:/digits@champion").predict(np.zeros((3, 8, 8), np.float32))
    assert list(answer.columns) == ["class", "probability", *"0123456789"] and len(answer) == 3

    assert "is the champion already" in run()[1]
    for words in ((), ("dry_run=true",)):
        code, said = run(f"run={bad}", *words)
        assert code == 3 and "not better than the champion beyond chance: p = 1" in said
        assert "opening 4 of this test split" in said, "the same two models are no new opening"
    code, said = run(f"run={bad}")
    assert code == 3 and "refused, the champion stays" in said
    assert client.get_run(bad).data.tags["trialbook.promotion"].startswith("refused")
    assert client.get_model_version_by_alias("digits", "champion").run_id == champion.run_id

    assert run("rollback=true") == (0, "digits: version 1 is champion again\n")
    history = Registry(uri(swept)).history("digits")
    assert [event["version"] for event in history] == ["1", "2", "1"] and "better on Mondays, by " in history[1]["how"]
    assert "rollback from version 2" in run("history=true")[1]

    with driving(next((swept / "mlruns" / "sweeps").iterdir())):
        for words in ((), (f"run={bad}",)):
            code, said = run(*words)
            assert code == 2 and "it still runs, by process" in said and "expected one that has ended" in said
    shutil.rmtree(swept / "mlruns" / "artifacts" / bad)
    code, said = run()
    assert code == 0 and "the champion, version 1, cannot be loaded and counts as none" in said and "version 3 of digits" in said
    assert "opening 1 of this test split" in said, "against no champion, as in the beginning"
    code, said = run("rollback=true")
    assert code == 0 and "version 1 is passed over" in said and "version 2 is champion again" in said


def test_an_interrupted_sweep_may_be_promoted_from_with_a_word(swept: Path, run: Run) -> None:
    study = next((swept / "mlruns" / "sweeps").glob("*/study.db"))
    with sqlite3.connect(study) as database:
        database.execute("update trial set state = 'KILLED', score = null where number = 0")
    code, said = run("gates=none")
    assert code == 0 and f"sweep {study.parent.name} was interrupted: 3 trials ended, and resume={study.parent.name} would go on" in said
    assert "gates=none asks for no p-value: chance alone may make this model champion" in said
    assert "not tested against chance" in Registry(uri(swept)).history("digits")[0]["how"]


@pytest.mark.parametrize(("status", "refused"), [("RUNNING", True), ("FINISHED", False)])
def test_of_a_sweep_elsewhere_mlflow_says_whether_it_runs(
    status: str, refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrialbookError, match=r"on another machine.*doctor --fix") if refused else nullcontext():
        check_ended("20260101-000000-aaaa", status)
    assert interruption("20260101-000000-aaaa", status) == ""


def test_changed_weights_are_never_used(single: str, run: Run, tmp_path: Path) -> None:
    weights = tmp_path / "mlruns" / "artifacts" / single / "artifacts" / "model.weights.h5"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    code, said = run(f"run={single}")
    assert code == 2 and "model.weights.h5 was changed" in said and "Traceback" not in said
    assert not MlflowClient(uri(tmp_path)).search_registered_models()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE):
            return True
    except OSError:
        return False


@pytest.mark.long
def test_the_registered_model_answers_over_http_as_the_readme_says(single: str, run: Run, tmp_path: Path) -> None:
    assert run(f"run={single}")[0] == 0
    port = free_port(5400 + os.getpid() % 1000)
    lines = [line for line in (ROOT / "README.md").read_text().splitlines() if "pictures.json" in line]
    write, ask = (line.replace("28", "8").replace(":5000", f":{port}") for line in lines)
    command = f"mlflow models serve -m models:/digits@champion --env-manager local --host 127.0.0.1 --port {port}"
    activated = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def said(picture: str) -> dict:
        written = write.replace("numpy.zeros((1, 8, 8))", picture)
        asked = subprocess.run(["bash", "-c", f"{written}\n{ask}"], env=activated, cwd=tmp_path, capture_output=True, text=True, check=True)
        return json.loads(asked.stdout)

    with subprocess.Popen(command.split(), env=activated, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            until(lambda: answers(f"http://127.0.0.1:{port}/ping") or server.poll() is not None)
            assert server.poll() is None, "mlflow models serve ended by itself"
            [answer] = said("numpy.zeros((1, 8, 8))")["predictions"]
            refused = said("numpy.full((1, 8, 8), 255)")
        finally:
            server.terminate()
    assert answer["class"] in "0123456789"
    assert sum(answer[name] for name in "0123456789") == pytest.approx(1, abs=1e-5)
    assert "1 of 1 inputs are not scaled as in training" in refused["message"] and "x / 255" in refused["message"]


def test_mistakes(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for words, message in {
        ("gates=nonne",): "did you mean 'none'?",
        ("dryrun=true",): "did you mean 'dry_run'?",
        ("dry_run=yes",): "dry_run=yes: expected true or false",
        ("rollback=true",): "no model is registered",
        ("rollback=true", "dry_run=true"): "dry_run: it has no effect with rollback=true; expected rollback=true alone",
        ("history=true", "run=x"): "run: it has no effect with history=true",
        ("history=yes",): "history=yes: expected true or false",
        (f"why={'x' * 2001}",): "expected at most 2000",
        (f"why={'x' * 2001}", "gates=x", "run=a", "sweep=b"): "3 mistakes to mend",
        ("run=a", "sweep=b"): "sweep=b: run=a also names the model",
        ("run=nonsense",): "no finished trial with a model",
        ("sweep=latest",): "python -m src.sweep -m",
    }.items():
        code, said = run(*words)
        assert code == 2 and message in said, said


def test_the_best_on_several_data_is_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = [
        TrialResult(n, {"data": name}, name, f"run{n}", "FINISHED", "", 0.5 + n / 10, 1, 0.5, 1.0, origin=Origin(True, name))
        for n, name in enumerate(("91ab", "55cd"))
    ]
    monkeypatch.setattr("src.results.scores.load_standing", lambda *_: (Standing.of(ended, Objective("val_accuracy", "max"), 0), []))
    with pytest.raises(ConfigError, match=r"cannot be ranked; expected one of the best: run=run0 \(data 91ab\) or run=run1 \(data 55cd\)"):
        promote.best_run("latest")
