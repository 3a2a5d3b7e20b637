"""Exports a sweep as files for people without Trialbook: report, tables, the best model and its configuration, and a README."""

import io
import tempfile
import zipfile
from collections.abc import Container
from pathlib import Path

from src import files
from src.artifacts import WEIGHTS, WHOLE
from src.errors import TrialbookError
from src.report import report_of
from src.results import frames, table
from src.results.conclusions import conclusions
from src.results.leaderboard import Standing, TrialResult
from src.study.store import Store
from src.tracking.runs import Runs

MOST_ROWS = 20  # of the table in the README
EXPLAINED = {
    "report.html": "learning curves, parallel coordinates and more, for a browser; it needs no network",
    "trials.csv": "a row per trial: configuration, score, state, seconds",
    "epochs.csv": "a row per epoch of each trial: every metric",
    "best/config.yaml": "the whole configuration of the best trial",
    "best/overrides.yaml": "how it differs from the defaults",
    "best/history.csv": "its metrics per epoch",
    "best/summary.txt": "its layers",
    "best/model.keras": "its model with the weights of the kept epoch, for Keras 3",
    "best/model.h5": "the same in the older format",
    "best/model.weights.h5": "the weights alone",
    "packages.txt": "the packages with which it ran",
    "code.patch": "how the code differed from its commit",
}


def contents(standing: Standing, store: Store, best: TrialResult | None, uri: str, question: str = "") -> dict[str, bytes]:
    """Returns the files, name → content.

    Args:
        best: the trial whose model is exported; None if no trial has a score.
        uri: address of the store that has its run.

    Raises:
        TrialbookError: the files of its run cannot be read.
    """
    found = {"report.html": report_of(standing, [store], question)}
    found |= {f"{name}.csv": table.as_csv(rows) for name, rows in (("trials", frames.trials([store])), ("epochs", frames.epochs([store])))}
    folder = store.folder or Path()
    found |= {name: (folder / name).read_bytes() for name in ("packages.txt", "code.patch", "multirun.yaml") if (folder / name).exists()}
    if best:
        found |= {f"best/{name}": content for name, content in _of_run(best, uri).items()}
    return {"README.md": _readme(standing, store, best, found).encode(), **found}


def write(found: dict[str, bytes], place: Path) -> None:
    """Writes files into a new folder, or into one folder of a new .zip file."""
    if place.suffix != ".zip":
        for name, content in found.items():
            files.write(place / name, content)
        return
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in found.items():
            archive.writestr(f"{place.stem}/{name}", content)
    files.write(place, packed.getvalue())


def _of_run(best: TrialResult, uri: str) -> dict[str, bytes]:
    runs = Runs(uri)
    runs.recorded(str(best.run_id))
    with tempfile.TemporaryDirectory() as folder:
        try:
            root = Path(runs.client.download_artifacts(str(best.run_id), "", folder))
        except Exception as error:  # MLflow raises many kinds of errors if files are missing
            raise TrialbookError(f"run {best.run_id}: its files cannot be read: {error}. Look with python -m src.doctor") from error
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def _readme(standing: Standing, store: Store, best: TrialResult | None, found: Container[str]) -> str:
    meta = store.meta()
    rows = table.ranked(standing)
    lines = [f"# {meta.get('name') or 'Sweep'} {meta['sweep_id']}", "", f"{len(standing.trials)} trials, ranked by {standing.objective}."]
    lines += ["", table.as_markdown(rows[:MOST_ROWS]), "", *(f"- {line}" for line in conclusions(standing))]
    lines += ["", "## Files", "", *(f"- `{name}`: {EXPLAINED[name]}" for name in EXPLAINED if name in found)]
    whole = next((name for name in ("model.keras", *WHOLE) if f"best/{name}" in found), None)
    if whole:
        code = f'import keras\n\nmodel = keras.models.load_model("best/{whole}", compile=False)'
        lines += ["", "## The best model", "", f"```python\n{code}\n```", ""]
        lines += ["It takes inputs in the shape and scale of the training data. Layers of your own must be imported first."]
    elif f"best/{WEIGHTS}" in found:
        lines += ["", "The best model could not be saved as a whole: its weights are there, and the code of `best/config.yaml` builds it."]
    lines += ["", "## How it was made", "", "```sh", meta.get("command", ""), "```", "", f"Versions: {meta.get('versions', '')}"]
    if best:
        data = f" Data: SHA-256 {best.origin.data}." if best.origin.data else ""
        lines.append(f"Commit: {meta.get('commit', '')}.{data}")
    return "\n".join([*lines, ""])
