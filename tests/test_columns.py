"""Every table at four widths, and on a pipe: no number is cut, and what is left out is said."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from src import compare, promote
from src.columns import LEFT_OUT, fitted
from src.objective import Objective
from src.results import published, table
from src.terminal import Terminal
from tests.test_compare import points, study

WIDTHS = (60, 80, 120, 200)
NUMBER = re.compile(r"\d[\d.]*")


@pytest.fixture(params=[*WIDTHS, None], ids=str)
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> int | None:
    """A terminal of this width, or a pipe."""
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: request.param is not None, raising=False)
    monkeypatch.setenv("COLUMNS", str(request.param or 40))
    monkeypatch.setenv("TERM", "xterm")
    return request.param


def said(capsys: pytest.CaptureFixture[str], width: int | None) -> list[str]:
    """The lines on the screen; only commands, ids and addresses, which are copied, may be longer than it is wide."""
    lines = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out).splitlines()
    assert not [line for line in lines if width and len(line) > width and not line.startswith("  ")]
    return lines


def check(rows: list[dict[str, str]], lines: list[str], width: int | None) -> None:
    """Each number of each row is there as a whole, unless its column is said to be left out."""
    text = " ".join(lines)
    found = re.search(r"left out at \d+ columns: (.*?)(?:  |$)", text)
    left_out = [name for name in LEFT_OUT if found and name in found[1]]
    assert width or not left_out
    numbers = set(NUMBER.findall(text))
    for row in rows:
        for name, cell in row.items():
            assert name in left_out or not set(NUMBER.findall(cell)) - numbers, (name, cell, text)
    assert rows


MANY = [
    {"optimizer": name, "optimizer.learning_rate": str(rate), "model.units": str(units), "seed": str(seed)}
    for name in ("sgd_momentum", "adam")
    for rate in (0.00012345, 0.01)
    for units in (12, 1024)
    for seed in (1, 2)
]
TABLES: dict[str, list[tuple[dict[str, str], float | None]]] = {
    "few": points({"sgd": [0.8123, 0.8212], "adam": [0.9310, None]}),
    "wide": [(point, 0.91234 + number / 1000) for number, point in enumerate(MANY)],
    "unrepeated": [(point, 0.91234 + number / 1000) for number, point in enumerate(MANY) if point["seed"] == "1"],
    "many keys": [({**point, "training.batch_size": str(31 + number), "model.dropout": "0.25"}, 0.5) for number, point in enumerate(MANY)],
}


@pytest.mark.parametrize("name", TABLES)
def test_the_table_of_a_sweep(
    name: str, width: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    study(tmp_path, "20260101-000000-aaaa", "", TABLES[name])
    monkeypatch.setattr(sys, "argv", ["compare"])
    compare.main()
    standing, _ = compare.load_standing("latest")
    check(table.for_people(table.ranked(standing)), said(capsys, width), width)


def test_the_tables_of_a_promotion(width: int | None, capsys: pytest.CaptureFixture[str]) -> None:
    def candidate(run: str) -> Any:
        return SimpleNamespace(
            measure="test accuracy",
            score=0.91234,
            interval=(0.90123, 0.92345),
            milliseconds=1234.5,
            constant=SimpleNamespace(mean=lambda: 0.1),
            run=SimpleNamespace(run_id=run, overrides="data=digits optimizer.learning_rate=0.00012345", data="digits", megabytes=123.45),
        )

    against = SimpleNamespace(gain=0.01, interval=(0.001, 0.02), p_value=0.012, test="McNemar")
    both = [candidate("a" * 32), candidate("b" * 32)]
    decision: Any = SimpleNamespace(challenger=both[0], champion=both[1], unusable="", against=against, opening=3, level=0.01)
    terminal = Terminal(Objective("accuracy", "max"))
    promote._print_decision(terminal, decision)
    lines = said(capsys, width)
    check([promote._row("challenger", candidate("a" * 32))], lines, width)
    assert [line for line in lines if "a" * 32 in line] == [f"challenger, run {'a' * 32}:"]
    assert "  python -m src.sweep data=digits optimizer.learning_rate=0.00012345" in lines
    rows = [
        {"since": "2026-11-27 03:46:29.123456", "version": "12", "run": "c" * 32, "how": "promoted because the layers are wider, by me"}
    ]
    promote._print_history(terminal, "digits", rows)
    lines = said(capsys, width)
    check(rows, lines, width)
    assert f"  {'c' * 32}" in lines


def test_the_other_tables(width: int | None, capsys: pytest.CaptureFixture[str]) -> None:
    figures = [
        {"trial": "model=two_layer optimizer=sgd_momentum", **published._comparison("val_accuracy", 0.8912, [{"val_accuracy": 0.88764}])}
    ]
    rows = [{name: table.cell(value, name) for name, value in row.items()} for row in figures]
    different = [
        {"key": "SHA-256", "first": "1f" * 32, "second": "2e" * 32},
        {"key": "optimizer.learning_rate", "first": "0.0001", "second": "1"},
    ]
    for one in (rows, different):
        Terminal(Objective("accuracy", "max")).table("a table with a long title, " * 5, one, "python -m src.compare")
        lines = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out).splitlines()
        check(one, lines, width)


def test_columns_go_in_the_stated_order_and_then_rows_become_lists() -> None:
    row = dict.fromkeys(["rank", "optimizer.learning_rate", "val_accuracy", "kept epoch", "last", "seconds", "state"], "0.12345678")
    gone = [fitted([row], width).left_out for width in range(200, 10, -1)]
    assert sorted(gone, key=len)[-1] == [name for name in LEFT_OUT if name in row]
    assert all(one == [name for name in LEFT_OUT if name in row][: len(one)] for one in gone)
    assert " ".join(fitted([row], 20).body).split() == [word for name in row for word in (*name.split(), "0.12345678")]


def test_a_size_and_its_unit_stay_together() -> None:
    row = {"sweep": "20260101-000000-aaaa", "name": "widths", "disk": "292 kB"}
    assert [line.endswith("292 kB") or not line for width in (36, 35) for line in fitted([row], width).body] == [True, False]
    assert fitted([row], 35).left_out == ["disk"]
