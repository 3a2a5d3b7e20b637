"""`python -m src.sweep` as users type it, and everything that it leaves behind, read back from the store."""

import hashlib
import os
import re
import secrets
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from omegaconf import OmegaConf

from src.config.paths import ROOT
from tests.waiting import PATIENCE, until

Command = Callable[..., "subprocess.CompletedProcess[str]"]
FILES = {"model.h5", "model.keras", "model.weights.h5", "history.csv", "curves.png", "summary.txt", "config.yaml", "overrides.yaml"}
PICTURES_OF_BEST = {"confusion_matrix.png", "accuracy_per_class.png", "confidently_wrong.png", "examples.png"}
CURVES = {"learning_curves.png", "curves_loss.png", "curves_accuracy.png"}
SWEEP_FILES = {"code.patch", "packages.txt", "multirun.yaml", "table.csv", "report.html", *CURVES}


def runs(folder: Path, experiment: str) -> tuple[list[Run], list[Run]]:
    """Parents and children of an experiment, children by trial number."""
    client = MlflowClient(f"sqlite:///{folder}/mlruns/mlflow.db")
    found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    children = [run for run in found if run.data.tags["trialbook.kind"] == "trial"]
    return [run for run in found if run not in children], sorted(children, key=lambda run: int(run.data.tags["trialbook.trial"]))


def artifacts(folder: Path, run: Run) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (folder / "mlruns" / "artifacts" / run.info.run_id / "artifacts").iterdir()}


def check_record(folder: Path, experiment: str, trials: int, epochs: int) -> None:
    """Everything that a sweep of three optimizers promises to record."""
    [parent], children = runs(folder, experiment)
    assert len(children) == trials
    assert parent.info.status == "FINISHED" and parent.data.metrics["trials/finished"] == trials
    assert set(artifacts(folder, parent)) == SWEEP_FILES
    assert parent.data.params == {"oracle": "grid", "budget": str(trials), "objective": "max:val_accuracy"}
    best = max(children, key=lambda child: child.data.metrics["kept/val_accuracy"])
    note = parent.data.tags["mlflow.note.content"]
    assert note.startswith("![") and "\n```\nrank  trial  " in note and "python -m src.sweep -m" in note
    assert f"![confusion_matrix.png](get-artifact?path=confusion_matrix.png&run_uuid={best.info.run_id})" in note
    [study] = (folder / "mlruns" / "sweeps").iterdir()
    assert parent.data.tags["trialbook.sweep"] == study.name
    assert parent.data.metrics["best/val_accuracy"] == parent.data.metrics["kept/val_accuracy"] == best.data.metrics["kept/val_accuracy"]
    client = MlflowClient(f"sqlite:///{folder}/mlruns/mlflow.db")
    for run in (parent, *children):
        [trained_on] = run.inputs.dataset_inputs
        assert trained_on.dataset.name == children[0].data.params["data"]
        assert children[0].data.tags["trialbook.data_digest"].startswith(trained_on.dataset.digest)
    for child in children:
        files = artifacts(folder, child)
        assert set(files) == (FILES | PICTURES_OF_BEST if child is best else FILES)
        assert files["curves.png"].startswith(b"\x89PNG")
        assert len(files["history.csv"].splitlines()) == epochs + 1
        tags = child.data.tags
        assert tags["mlflow.parentRunId"] == parent.info.run_id
        assert tags["trialbook.sha256.model"] == hashlib.sha256(files["model.h5"]).hexdigest()
        assert {"trialbook.data_digest", "trialbook.device", "trialbook.threads", "trialbook.active_hash"} <= set(tags)
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            history = client.get_metric_history(child.info.run_id, name)
            assert [metric.step for metric in history] == list(range(1, epochs + 1))
            assert child.data.metrics[f"kept/{name}"] == history[int(child.data.metrics["kept/epoch"]) - 1].value
    stored = sqlite3.connect(study / "study.db").execute("select number, state, run_id, score from trial order by number").fetchall()
    assert stored == [(n, "FINISHED", child.info.run_id, child.data.metrics["kept/val_accuracy"]) for n, child in enumerate(children)]
    for number in range(trials):
        assert {file.name for file in (study / f"{number:05d}").iterdir()} == {".hydra", "trial.log"}


def finished_epochs(study: Path) -> int:
    db = sqlite3.connect(study, timeout=30)
    ready = db.execute("select 1 from sqlite_master where name = 'epoch'").fetchone()
    return db.execute("select count(*) from epoch").fetchone()[0] if ready else 0


@pytest.mark.real
def test_the_fixed_command_on_the_real_fashion_mnist(cold_command: Command, tmp_path: Path) -> None:
    done = cold_command("src.sweep", "-m", "optimizer=sgd,adam,rmsprop", "training.epochs=2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    check_record(tmp_path, "fashion_mnist", trials=3, epochs=2)
    _, children = runs(tmp_path, "fashion_mnist")
    assert [child.info.run_name for child in children] == ["optimizer=sgd", "optimizer=adam", "optimizer=rmsprop"]
    assert all(0.78 < child.data.metrics["kept/val_accuracy"] < 0.9 for child in children)
    assert "3 trials" in done.stdout and re.search(r"^ *1-3 +\d +(adam|rmsprop) +0\.8", done.stdout, re.MULTILINE)
    link = re.search(r"http://127\.0\.0\.1:5000/\S+", done.stdout)
    assert link and children[0].data.tags["trialbook.sweep"] in link[0] and "kept/val_accuracy" in link[0]


def test_a_sweep_is_recorded_and_its_best_trial_repeats_to_the_last_digit(command: Command, tmp_path: Path) -> None:
    environment = {"MLFLOW_EXPERIMENT_NAME": "from the environment"}
    noted = ("note='before lunch, a try'", "tags=[baseline,paper]")
    done = command("src.sweep", "-m", "data=digits", "optimizer=sgd,adam", "training.epochs=2", "model.units=16", *noted, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    check_record(tmp_path, "from the environment", trials=2, epochs=2)
    [parent], children = runs(tmp_path, "from the environment")
    assert "before lunch, a try" in parent.data.tags["mlflow.note.content"]
    assert all(run.data.tags["baseline"] == run.data.tags["paper"] == "true" for run in (parent, *children))
    repeat = re.search(r"python -m (src\.sweep .*?) {4}repeats the best trial", done.stdout)
    assert repeat, done.stdout
    assert command(*shlex.split(repeat[1]), "tracking.experiment=again").returncode == 0
    _, children = runs(tmp_path, "from the environment")
    nobody, [again] = runs(tmp_path, "again")
    best = max(children, key=lambda run: run.data.metrics["kept/val_accuracy"])
    assert nobody == [] and "mlflow.parentRunId" not in again.data.tags
    assert again.data.tags["trialbook.active_hash"] == best.data.tags["trialbook.active_hash"]
    exact = {name: value for name, value in best.data.metrics.items() if not name.startswith("seconds")}
    assert {name: value for name, value in again.data.metrics.items() if not name.startswith("seconds")} == exact
    [single] = (tmp_path / "mlruns" / "trials").iterdir()
    assert not (single / "study.db").exists() and (single / ".hydra" / "overrides.yaml").exists()


def test_a_failing_trial_is_recorded_and_the_exit_code_tells(command: Command, tmp_path: Path) -> None:
    done = command("src.sweep", "-m", "data=digits", "training.epochs=1", "optimizer.learning_rate=0.001,1e30")
    assert done.returncode == 1, done.stdout + done.stderr
    [parent], children = runs(tmp_path, "digits")
    assert [child.info.status for child in children] == ["FINISHED", "FAILED"]
    assert "expected finite values" in children[1].data.tags["trialbook.cause"]
    assert b"TrialError" in artifacts(tmp_path, children[1])["traceback.txt"]
    assert parent.data.metrics["trials/failed"] == 1
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("executor", "signals", "code"),
    [
        pytest.param("inline", [signal.SIGINT, signal.SIGINT], 130, marks=pytest.mark.long),
        pytest.param("inline", [signal.SIGTERM], 143, marks=pytest.mark.long),
        ("local", [signal.SIGINT, signal.SIGINT], 130),
        pytest.param("ray", [signal.SIGTERM], 143, marks=pytest.mark.long),
    ],
)
def test_interrupted_nothing_is_left_running(executor: str, signals: list[int], code: int, tmp_path: Path) -> None:
    arguments = ["-m", "data=digits", "training=fixed_epochs", "training.epochs=100000", "seed=1,2", f"executor={executor}"]
    arguments += [] if executor == "inline" else ["executor.workers=1"]
    sweep = subprocess.Popen(
        [sys.executable, "-m", "src.sweep", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: sweep.poll() is not None or any(finished_epochs(study) > 2 for study in tmp_path.glob("mlruns/sweeps/*/study.db")))
    heard = ""
    for number in signals:
        if heard:  # two at once are one
            while "Ctrl-C again stops them" not in (line := sweep.stdout.readline()):
                heard += line
                assert line, heard
        heard += f"{number.name}\n"
        os.killpg(sweep.pid, number) if number == signal.SIGINT else sweep.send_signal(number)  # Ctrl-C reaches every process
    output, errors = sweep.communicate(timeout=PATIENCE)
    assert sweep.returncode == code, output + errors
    assert "interrupted" in output and "resume=" in output and "Traceback" not in output + errors
    [parent], children = runs(tmp_path, "digits")
    assert [run.info.status for run in (parent, *children)] == ["KILLED", "KILLED"]


@pytest.mark.long
def test_paths_with_odd_characters(command: Command, tmp_path: Path) -> None:
    odd = tmp_path / "a b=c,d 'ü'"
    odd.mkdir()
    done = command("src.sweep", "data=digits", "training.epochs=1", MLFLOW_TRACKING_URI=f"sqlite:///{odd}/mlflow.db")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((odd / "artifacts").iterdir())) == 1


def test_a_mistake_starts_nothing(cold_command: Command, tmp_path: Path) -> None:
    done = cold_command("src.sweep", "-m", "optimizer=sgd,adm")  # what it need not import is in test_imports.py
    assert done.returncode == 2 and "did you mean 'adam'?" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "mlruns").exists()


def test_the_whole_configuration_is_kept(command: Command, tmp_path: Path) -> None:
    assert command("src.sweep", "sweeps=dropout", "data=digits", "training.epochs=1", "model.dropout=0.3,0.5").returncode == 0
    [parent], children = runs(tmp_path, "digits")
    assert parent.info.run_name.startswith("dropout ") and parent.data.tags["trialbook.sweep_name"] == "dropout"
    assert "**Does dropout help" in parent.data.tags["mlflow.note.content"]
    kept = [OmegaConf.create(artifacts(tmp_path, child)["config.yaml"].decode()) for child in children]
    assert [config.model.dropout for config in kept] == [0.3, 0.5]
    assert all(config.optimizer["_target_"] == "keras.optimizers.Adam" for config in kept)


def test_an_executor_that_the_machine_can_not_give_starts_nothing_and_leaves_nothing(command: Command, tmp_path: Path) -> None:
    done = command("src.sweep", "-m", "data=digits", "seed=1,2", "executor=local", "executor.workers=100000")
    assert done.returncode == 2 and "expected at most that many" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "mlruns" / "sweeps").exists()


def test_a_store_that_does_not_answer_starts_nothing_and_leaves_nothing(command: Command, tmp_path: Path) -> None:
    done = command("src.sweep", "-m", "data=digits", "seed=1,2", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert done.returncode == 2 and "Expected a running MLflow server" in done.stderr and "Traceback" not in done.stderr
    assert not list((tmp_path / "mlruns" / "sweeps").glob("*"))


def test_no_secret_is_recorded_or_told(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, token = secrets.token_hex(8), secrets.token_hex(8)
    monkeypatch.setenv("WHERE", named)
    monkeypatch.setenv("API_TOKEN", token)
    words = ["data=digits", "training.epochs=1", "note=${oc.env:WHERE}", f"tags=[{token}]", "seed=1,2"]
    assert "model.units=${oc.env:API_TOKEN}" in command("src.sweep", *words[:-1], f"model.units={token}").stderr
    done = command("src.sweep", "-m", *words, "+optimizer.nesterov=${oc.env:WHERE}")
    assert done.returncode == 2 and named not in done.stdout + done.stderr
    done = command("src.sweep", "-m", *words, "tracking.uri=http://me:tiger@127.0.0.1:9")
    assert done.returncode == 2 and "http://me:***@127.0.0.1:9" in done.stderr and "tiger" not in done.stdout + done.stderr
    done = command("src.sweep", "-m", *words)
    assert done.returncode == 0, done.stderr
    [parent], _ = runs(tmp_path, "digits")
    assert parent.data.tags["trialbook.note"] == "${oc.env:WHERE}" and "oc.env:API_TOKEN" in parent.data.tags
    for file in (tmp_path / "mlruns").rglob("*"):
        assert file.is_dir() or not re.search(f"{named}|{token}".encode(), file.read_bytes()), file
