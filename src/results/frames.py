"""Exports studies as two tables for other programs: one row per trial, and one row per epoch of each trial."""

import importlib.util
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from src import files
from src.errors import ConfigError
from src.results.table import FUNCTION, Row, as_csv
from src.space.values import of_texts
from src.study.store import Store


def trials(stores: Iterable[Store]) -> list[Row]:
    """Returns a row per trial: sweep, state, times, configuration by key, and the metrics that are logged once; not rounded."""
    rows = []
    for store in stores:
        meta = store.meta()
        for trial in store.trials():
            head = {
                "sweep": meta.get("sweep_id", ""),
                "name": meta.get("name", ""),
                "trial": trial.number,
                "run": trial.run_id,
                "state": str(trial.state),
                "cause": trial.cause or None,
                "objective": meta["objective"],
                "score": trial.score,
                "kept epoch": trial.kept_epoch,
                "epochs": trial.epochs,
                "seconds": trial.seconds,
                "started": trial.started,
                "ended": trial.ended,
                "data digest": trial.data_digest,
                "code": trial.code,
            }
            configuration = {**of_texts(trial.point), **trial.configuration}
            named = {FUNCTION if key == "trial" else key: value for key, value in configuration.items()}
            rows.append({**head, **named, **trial.metrics})
    return _alike(rows)


def epochs(stores: Iterable[Store]) -> list[Row]:
    """Returns a row per epoch: sweep, trial, epoch, and each metric."""
    rows = []
    for store in stores:
        sweep = store.meta().get("sweep_id", "")
        rows += [{"sweep": sweep, "trial": number, "epoch": epoch, **metrics} for number, epoch, metrics in store.epochs()]
    return _alike(rows)


def write(stores: Sequence[Store], kind: str, folder: Path) -> list[Path]:
    """Writes both tables into a folder, as csv or parquet (`kind`); returns the files.

    Raises:
        ConfigError: the package that writes parquet is not installed.
    """
    if kind == "parquet" and not importlib.util.find_spec("pyarrow"):
        raise ConfigError(["format=parquet wants pyarrow, which is not installed; expected format=csv, or first: pip install pyarrow"])
    written = []
    for name, rows in (("trials", trials(stores)), ("epochs", epochs(stores))):
        content = as_csv(rows) if kind == "csv" else _parquet(rows)
        written.append(folder / f"{name}.{kind}")
        files.write(written[-1], content)
    return written


def _alike(rows: list[Row]) -> list[Row]:
    """Gives all rows the same columns. Columns with values of several types, or with lists or mappings, become texts."""
    kinds: dict[str, set[type]] = {}  # column → types of its values
    for row in rows:
        for name, value in row.items():
            known = kinds.setdefault(name, set())
            if value is not None:
                known.add(float if type(value) is int else type(value))
    texts = {name for name, types in kinds.items() if len(types) > 1 or types & {dict, list}}
    return [{name: _text(row.get(name)) if name in texts else row.get(name) for name in kinds} for row in rows]


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _parquet(rows: list[Row]) -> bytes:
    import pandas as pd  # half a second

    content = io.BytesIO()
    pd.DataFrame(rows).to_parquet(content, index=False)
    return content.getvalue()
