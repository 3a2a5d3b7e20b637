"""A sweep by two objectives from its first trial to MLflow, resumed, and what the other commands say of it."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

from tests.conftest import overlay, runs_of

FUNCTION = """
def run(config, report):
    rate = config["trial"]["rate"]
    return {"gain": 1 - rate, "size": rate if rate < 0.9 else 0.95 - rate}
"""
OPTION = "_target_: src.trials.traded.run\nuses: []\nobjective: min:gain\nrate: 0.5\n"
WORDS = (
    "src.sweep",
    "-m",
    "trial=traded",
    "oracle=bayesian",
    "oracle.max_trials=6",
    "trial.rate=interval(0,1)",
    'oracle.first=[["trial.rate=0"],["trial.rate=0.5"],["trial.rate=0.9"]]',
)
TWO = "objective=[max:gain,max:size]"


def test_a_sweep_by_two_objectives(command: Callable, tmp_path: Path, store_uri: str) -> None:
    added = overlay(tmp_path, {"traded": FUNCTION}, {"trial/traded.yaml": OPTION})
    whole = command(*WORDS[:4], "oracle.max_trials=4", *WORDS[5:], TWO, **added)
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert "front of gain and size: " in whole.stdout and "objective=max:gain" in whole.stdout, "the next commands name one"
    resumed = command(*WORDS, TWO, "resume=latest", "allow=[budget]", **added)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    other = command(*WORDS, "objective=max:gain", "resume=latest", **added)
    assert other.returncode == 2 and "objective: [max:gain,max:size] then, max:gain now" in other.stderr

    rows = list(csv.DictReader(io.StringIO(command("src.compare", "format=csv").stdout)))
    assert len(rows) == 6 and rows[0]["gain"] == "1.0"
    marks = {float(row["trial.rate"]): row["front"] for row in rows}
    assert (marks[0.0], marks[0.5], marks[0.9]) == ("True", "True", "False")
    [parent] = [run for run in runs_of(store_uri, "traded") if run.data.tags["trialbook.kind"] == "sweep"]
    sizes, gains = ([float(row[name]) for row in rows] for name in ("size", "gain"))
    assert (parent.data.metrics["kept/gain"], parent.data.metrics["kept/size"]) == (max(gains), max(sizes))

    for verb in ("src.promote", "src.confirm"):
        refused = command(verb, **added)
        assert refused.returncode == 2 and "two objectives, max:gain and max:size" in refused.stderr, refused.stderr
    raced = command("src.confirm", "objective=max:gain", "dry_run=true", **added)
    assert raced.returncode == 0, raced.stderr
    by_size = command("src.compare", "objective=max:size", "format=csv", **added)
    assert max(sizes) == float(next(csv.DictReader(io.StringIO(by_size.stdout)))["size"])
