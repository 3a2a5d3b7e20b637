"""The API for notebooks, and the notebook that shows it."""

import shutil
from pathlib import Path
from typing import Any

import mlflow
import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from nbclient import NotebookClient

from src.api import load, sweep
from src.config.paths import ROOT
from src.errors import TrialbookError


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store_uri: str) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store_uri)  # MLflow keeps one client per address in a process
    return store_uri


@pytest.mark.slow
def test_a_sweep_gives_its_table_its_curves_and_its_best_model(here: str, capsys: pytest.CaptureFixture[str]) -> None:
    runs = sweep("data=digits", "model=one_layer", "optimizer=sgd,adam", "training.epochs=2", "seed=1,2")
    assert "trial 4 of 4" in capsys.readouterr().out
    assert list(runs.table["optimizer"]) == ["adam", "sgd"] and list(runs.table["repeats"]) == [2, 2]
    [parent] = mlflow.MlflowClient(here).search_runs(["1"], "tags.`trialbook.kind` = 'sweep'")
    assert parent.data.metrics["kept/val_accuracy"] == pytest.approx(runs.table["val_accuracy"].iloc[0]), "the mean"
    assert parent.data.metrics["best/val_accuracy"] == max(runs.trials["val_accuracy"])
    assert "± 95 %" in parent.data.tags["mlflow.note.content"] and "the spread between seeds is" in parent.data.tags["mlflow.note.content"]
    assert len(runs.trials) == 4 and runs.trials["val_accuracy"].iloc[0] == max(runs.trials["val_accuracy"])
    assert isinstance(runs.curves(), Figure)
    assert runs.model().predict(np.zeros((1, 8, 8), np.float32), verbose=0).shape == (1, 10)
    assert load("latest").id == runs.id


@pytest.mark.usefixtures("here")
def test_a_mistake_is_an_exception_that_says_what_was_meant() -> None:
    with pytest.raises(TrialbookError, match="did you mean 'adam'"):
        sweep("data=digits", "optimizer=sgd,adm")


@pytest.mark.real
def test_the_notebook_runs_up_to_its_first_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    cells = [
        cell.source for cell in nbformat.read(ROOT / "notebooks" / "fashion_mnist.ipynb", as_version=4).cells if cell.cell_type == "code"
    ]
    first = next(number for number, source in enumerate(cells) if "sweep(" in source)
    names: dict[str, Any] = {}
    for source in cells[:first]:
        exec(source, names)  # noqa: S102  cells of ours
    assert first == 3 and names["data"].y.shape == (60000,)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.long
def test_the_notebook_runs_on_few_epochs(tmp_path: Path) -> None:
    project = tmp_path / "project"
    ignored = shutil.ignore_patterns(".venv", ".git", "mlruns", ".*_cache", "__pycache__", "tests")
    shutil.copytree(ROOT, project, symlinks=True, ignore=ignored)
    notebook = nbformat.read(project / "notebooks" / "fashion_mnist.ipynb", as_version=4)
    settings = next(cell for cell in notebook.cells if cell.source.startswith("EPOCHS"))
    settings.source = "EPOCHS, OPTIMIZERS, BASELINE = 1, 'sgd,adam', ['model.engine.folds=null', 'model.engine.max_iter=2']"
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(project / "notebooks")}}).execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert "\x1b" not in "".join(output.get("text", "") for output in shown if "trial 1 of" in output.get("text", ""))
    assert sum("image/png" in output.get("data", {}) for output in shown) == 3
    assert "accuracy 0.8" in notebook.cells[-1].outputs[-1].text
    assert len(list((project / "mlruns" / "sweeps").iterdir())) == 3 and not (project / "notebooks" / "mlruns").exists()
