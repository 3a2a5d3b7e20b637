"""What a program reads: a line of JSON per event of a sweep, and replies of other verbs that are short."""

import json
import math
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from src.events import Events
from src.objective import Objective
from tests.conftest import overlay
from tests.test_compare import study

Command = Callable[..., "subprocess.CompletedProcess[str]"]
TOKENS = 2000
CHARACTERS = 4  # of a token, about
HILL = """
def run(config, report):
    for step in (1, 2):
        report(step, {"height": config["trial"]["rate"] * step})
    if config["trial"]["rate"] > 1:
        raise ValueError("too steep")
    return {"height": config["trial"]["rate"]}
"""
KEYS = {
    "begun": {"sweep", "trials", "ended"},
    "started": {"trial", "name", "epochs"},
    "epoch": {"trial", "epoch", "metrics"},
    "ended": {"trial", "state", "score", "seconds", "cause"},
    "table": {"title", "rows", "left_out"},
    "waiting": {"for"},
    "note": {"text"},
    "command": {"command", "what"},
}


def test_a_sweep_is_a_line_per_event_with_stable_keys(command: Command, tmp_path: Path) -> None:
    added = overlay(
        tmp_path, {"hill": HILL}, {"trial/hill.yaml": "_target_: src.trials.hill.run\nobjective: min:height\nuses: []\nrate: 0.5\n"}
    )
    done = command("src.sweep", "-m", "trial=hill", "trial.rate=0.123456789,2.0", "format=json", **added)
    assert done.returncode == 1, done.stdout + done.stderr
    told = [json.loads(line, parse_constant=pytest.fail) for line in done.stdout.splitlines()]
    assert all(KEYS[one["event"]] == one.keys() - {"event"} for one in told)
    events = [(one["event"], one.get("trial")) for one in told if one["event"] in ("begun", "started", "epoch", "ended", "table")]
    trials = [(event, number) for number in (1, 2) for event in ("started", "epoch", "epoch", "ended")]
    assert events == [("begun", None), *trials, ("table", None)]
    ended = [one for one in told if one["event"] == "ended"]
    assert [(one["state"], one["score"]) for one in ended] == [("FINISHED", 0.123457), ("FAILED", None)] and "too steep" in ended[1][
        "cause"
    ]
    [epoch] = [one for one in told if one["event"] == "epoch" and (one["trial"], one["epoch"]) == (1, 2)]
    assert epoch["metrics"] == {"height": 0.246914}
    [rows] = [one["rows"] for one in told if one["event"] == "table"]
    assert rows[0]["height"] == 0.123457 and rows[1]["height"] is None
    assert "\x1b" not in done.stdout and "hill" not in done.stderr
    assert {one["sweep"] for one in told if one["event"] == "begun"} == {folder.name for folder in (tmp_path / "mlruns/sweeps").iterdir()}


def test_a_number_that_is_not_finite_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    Events(Objective("height", "min")).epoch(0, 3, {"loss": math.nan, "height": 1.0})
    assert json.loads(capsys.readouterr().out) == {"event": "epoch", "trial": 1, "epoch": 3, "metrics": {"loss": None, "height": 1.0}}


def test_a_long_table_is_cut_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    events = Events(Objective("height", "min"))
    events.table("all", [], "python -m src.compare", [{"rank": number} for number in range(50)])
    table, more = map(json.loads, capsys.readouterr().out.splitlines())
    assert len(table["rows"]) == 20 and table["left_out"] == 30 and more["command"] == "python -m src.compare format=json"


def test_twenty_rows_are_less_than_two_thousand_tokens(command: Command, tmp_path: Path) -> None:
    many = [
        (
            {
                "optimizer": ("adam", "sgd_momentum")[number % 2],
                "optimizer.learning_rate": str(0.0001 * 1.1**number),
                "model.units": str(number),
                "model.dropout": str(number % 7 / 10),
                "training.batch_size": str(2 ** (number % 8)),
                "seed": str(number % 3),
            },
            0.8 + number / 777,
        )
        for number in range(100)
    ]
    study(tmp_path, "20260101-000000-aaaa", "", many)
    done = command("src.compare", "format=json", "most=20")
    assert len(json.loads(done.stdout)) == 20 and len(done.stdout) < TOKENS * CHARACTERS and "\x1b" not in done.stdout
