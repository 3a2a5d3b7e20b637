"""Compares two runs by their configuration, code, data, environment, metrics and curves; reads MLflow, and executes nothing."""

from itertools import zip_longest
from typing import Any

from src.config.paths import leaves
from src.errors import TrialbookError
from src.results.identity import parsed
from src.space.values import canonical
from src.study.provenance import patch_name
from src.tracking.runs import Recorded

Row = dict[str, str]
NO_FILE = b"\0"  # stands for a missing file; b"" is an empty patch


def difference(a: Recorded, b: Recorded) -> dict[str, list[Row]]:
    """Returns the rows of each section; none for a section in which the runs agree."""
    return {
        "configuration": _pairs(_configuration(a), _configuration(b)),
        "code": [*_pairs(_code(a), _code(b)), *_patches(a, b)],
        "data": _pairs({"SHA-256": a.tags.get("trialbook.data_digest", "")}, {"SHA-256": b.tags.get("trialbook.data_digest", "")}),
        "environment": [*_pairs(_environment(a), _environment(b)), *_pairs(_packages(a), _packages(b))],
        "metrics": _metrics(a, b),
        "curves": _curves(a, b),
    }


def _pairs(a: dict[str, Any], b: dict[str, Any]) -> list[Row]:
    keys = [key for key in dict.fromkeys((*a, *b)) if canonical(a.get(key)) != canonical(b.get(key))]
    return [{"key": key, "first": str(a.get(key, "")), "second": str(b.get(key, ""))} for key in keys]


def _configuration(run: Recorded) -> dict[str, Any]:
    try:
        text = run.file("config.yaml").decode()
    except KeyError as error:
        raise TrialbookError(f"run {run.run_id} has no config.yaml; expected a trial that ended.") from error
    return leaves(parsed(text, f"run {run.run_id}: its config.yaml"))


def _code(run: Recorded) -> dict[str, str]:
    tags = {"commit": "mlflow.source.git.commit", "changed since": "trialbook.code_dirty", "SHA-256": "trialbook.code"}
    return {name: run.tags.get(tag, "") for name, tag in tags.items()}


def _file_patches(run: Recorded) -> dict[str, str]:
    """Returns `patch of FILE` → the changes of the file since the commit."""
    patch = run.file(patch_name(run.tags.get("trialbook.code", "")), NO_FILE)  # exists if this code resumed the sweep
    if patch == NO_FILE:
        patch = run.file("code.patch", b"")
    parts = [part.partition("\n") for part in patch.decode(errors="replace").split("diff --git ")[1:]]
    return {f"patch of {head.rpartition(' b/')[2]}": body for head, _, body in parts}


def _patches(a: Recorded, b: Recorded) -> list[Row]:
    return [{**row, "first": _size(row["first"]), "second": _size(row["second"])} for row in _pairs(_file_patches(a), _file_patches(b))]


def _size(patch: str) -> str:
    """Describes a file's patch by the number of lines that it adds and removes."""
    lines = patch.splitlines()
    if not lines:
        return "as committed"
    added = [line for line in lines if line.startswith("+") and not line.startswith("+++")]
    removed = [line for line in lines if line.startswith("-") and not line.startswith("---")]
    return f"+{len(added)} -{len(removed)} lines"


def _environment(run: Recorded) -> dict[str, str]:
    return {name: run.tags.get(f"trialbook.{name}", "") for name in ("versions", "device", "threads", "executor")}


def _packages(run: Recorded) -> dict[str, str]:
    lines = run.file("packages.txt", b"").decode().splitlines()
    return {name: version for name, _, version in (line.partition("==") for line in lines)}


def _metrics(a: Recorded, b: Recorded) -> list[Row]:
    rows = []
    for name in dict.fromkeys((*a.metrics, *b.metrics)):
        first, second = a.metrics.get(name), b.metrics.get(name)
        if name.startswith(("kept/", "cv/")) and first != second:
            texts = [f"{value:.5g}" if value is not None else "" for value in (first, second)]
            gap = f"{second - first:+.5g}" if first is not None and second is not None else ""
            rows.append({"metric": name, "first": texts[0], "second": texts[1], "difference": gap})
    return rows


def _curves(a: Recorded, b: Recorded) -> list[Row]:
    name = a.tags.get("trialbook.objective", "").rpartition(":")[2]
    first, second = a.history(name), b.history(name)
    if first == second:
        return []
    texts = [[f"{value:.5f}" for value in values] for values in (first, second)]
    return [{"epoch": str(n), f"first {name}": x, f"second {name}": y} for n, (x, y) in enumerate(zip_longest(*texts, fillvalue=""), 1)]
