"""What `python -m src.export` and the tables of `python -m src.compare` hold; a colleague opens them with Keras, pandas and a browser."""

import csv
import io
import json
import re
import subprocess
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from src.results import frames
from src.study.store import Store
from tests.test_compare import points, study

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def test_a_folder_has_all_that_its_readme_names_and_its_model_is_opened_without_us(command: Command, tmp_path: Path) -> None:
    import keras

    assert command("src.sweep", "-m", "data=digits", "training.engine=keras", "model.units=4,8", "training.epochs=1").returncode == 0
    done = command("src.export", "to=out/handed_on", "format=json")
    assert done.returncode == 0, done.stderr
    folder, told = tmp_path / "out" / "handed_on", json.loads(done.stdout)
    text = (folder / "README.md").read_text()
    named = re.findall(r"^- `(\S+)`: ", text, re.MULTILINE)
    assert len(named) >= 10 and all((folder / name).stat().st_size for name in named if name != "code.patch")
    assert set(told["files"]) == {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert len(list(csv.DictReader((folder / "trials.csv").open()))) == 2 == len(list(csv.DictReader((folder / "epochs.csv").open())))
    assert "model.units=4,8" in text and b"<html" in (folder / "report.html").read_bytes()
    model = keras.models.load_model(folder / "best" / "model.keras", compile=False)
    assert np.asarray(model(np.zeros((1, 8, 8)))).sum() == pytest.approx(1)
    again = command("src.export", "to=out/handed_on")
    assert again.returncode == 2 and "it exists; expected a new folder" in again.stderr
    assert command("src.export", "to=handed_on.zip").returncode == 0
    with zipfile.ZipFile(tmp_path / "handed_on.zip") as archive:
        assert {f"handed_on/{name}" for name in told["files"]} == set(archive.namelist())


@pytest.fixture
def sweeps(tmp_path: Path) -> None:
    study(tmp_path, "20260101-000000-aaaa", "first", points({"sgd": [0.80, 0.81], "adam": [0.88, None]}))
    study(tmp_path, "20260101-000001-bbbb", "", [({"optimizer": "adam", "optimizer.learning_rate": "0.1"}, 0.9)])


@pytest.mark.usefixtures("sweeps")
def test_all_sweeps_are_two_tables(command: Command, tmp_path: Path) -> None:
    import pandas as pd

    for kind, read in (("csv", pd.read_csv), ("parquet", pd.read_parquet)):
        done = command("src.compare", "sweep=all", f"format={kind}", f"to={kind}")
        assert done.returncode == 0 and done.stdout == f"{kind}/trials.{kind}\n{kind}/epochs.{kind}\n", done.stderr
        trials, epochs = (read(tmp_path / kind / f"{name}.{kind}") for name in ("trials", "epochs"))
        assert list(trials["sweep"].value_counts(sort=False)) == [4, 1] and len(epochs) == 15
        assert trials["score"].tolist()[:2] == [0.80, 0.81] and trials["state"].tolist()[3] == "FAILED"
        assert epochs.loc[1, "val_accuracy"] == pytest.approx(0.8)
    rows = list(csv.DictReader(io.StringIO(command("src.compare", "sweep=all", "format=csv").stdout)))
    assert [row["repeats"] for row in rows] == ["1", "1", "2"]
    assert len(json.loads(command("src.compare", "sweep=all", "format=json", "most=2").stdout)) == 2


def test_a_trial_keeps_its_number_where_a_function_is_a_choice(tmp_path: Path) -> None:
    study(tmp_path, "20260101-000000-aaaa", "", [({"trial": "valley"}, 0.5), ({"trial": "valley"}, 0.4)], objective="min:height")
    with closing(Store.open(tmp_path / "mlruns" / "sweeps" / "20260101-000000-aaaa" / "study.db")) as store:
        assert [(row["trial"], row["function"]) for row in frames.trials([store])] == [(0, "valley"), (1, "valley")]


@pytest.mark.usefixtures("sweeps")
def test_of_all_sweeps_those_of_another_objective_are_left_out_with_a_word(command: Command, tmp_path: Path) -> None:
    study(tmp_path, "20260101-000002-cccc", "", [({"trial": "valley"}, 0.5)], objective="min:height")
    done = command("src.compare", "sweep=all", "objective=val_accuracy", "format=json")
    assert len(json.loads(done.stdout)) == 3 and "1 of 3 sweeps do not report val_accuracy and are left out" in done.stderr


@pytest.mark.usefixtures("sweeps")
def test_what_cannot_be_written_is_refused(command: Command) -> None:
    for words, why in {
        ("src.compare", "format=parquet"): "expected to=FOLDER with format=csv or format=parquet",
        ("src.compare", "to=x"): "expected to=FOLDER with format=csv or format=parquet",
        ("src.compare", "report=README.md"): "report=README.md: expected a file that ends in .html",
        ("src.compare", "most=no"): "most=no: expected a whole number, at least 1.",
        ("src.export",): "to is not given; expected to=…",
        ("src.export", "to=x", "sweep=first,latest"): "several sweeps; expected one",
    }.items():
        done = command(*words)
        assert done.returncode == 2 and why in done.stderr, done.stderr
