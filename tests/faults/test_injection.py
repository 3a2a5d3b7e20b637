"""Names, values, notes and causes that a spreadsheet or a browser would run, in CSV files and in the report."""

import io
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from src.objective import Objective
from src.report.curves import Curves
from src.report.data import data_of
from src.report.page import page
from src.results import table
from src.results.leaderboard import Standing, TrialResult
from src.space import Point

FORMULAS = ["=cmd|' /C calc'!A0", "@SUM(1)", "+1+cmd", "-1+cmd", "\t=1", "\r=1", "\n=1", "=1,2", "-2+3", "+", "-", "\uff1d1"]


def standing(*points: dict[str, str], cause: str = "") -> Standing:
    ended = [
        TrialResult(
            n, Point.read(point), str(n), f"run{n}", "FAILED" if cause else "FINISHED", cause, None if cause else n / 10, 1, n / 10, 1.0
        )
        for n, point in enumerate(points)
    ]
    return Standing.of(ended, Objective("val_accuracy", "max"), 0)


def test_no_cell_of_a_csv_is_a_formula_and_numbers_stay_numbers() -> None:
    numbers = ["-0.5", "1e-3", "-1e-3", "-.5", "+2", "0", "7."]
    rows = [{"text": text, "seconds": -0.5, "score": None} for text in FORMULAS] + [
        {"text": text} | dict.fromkeys(("seconds", "score")) for text in numbers
    ]
    found = pd.read_csv(io.BytesIO(table.as_csv(rows)), dtype=str, keep_default_na=False)
    assert list(found.text) == [*(f"'{text}" for text in FORMULAS), *numbers]
    assert set(found.seconds[: len(FORMULAS)]) == {"-0.5"} and found.columns.tolist() == ["text", "seconds", "score"]
    failed = table.as_csv(table.by_trial(standing({"+model.x": FORMULAS[0]}, {"+model.x": "a"}, cause=FORMULAS[1]))).decode()
    assert f"'{FORMULAS[0]}" in failed and f"'{FORMULAS[1]}" in failed


EVIL = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "\"'><svg onload=alert(1)>",
    "<!--<script>",
]


class Tags(HTMLParser):
    """Counts what a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict]] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_in_a_report_runs(evil: str) -> None:
    found = standing({"optimizer": evil, "+model.x": "1", f"+model.{evil}": "2"}, {"optimizer": "sgd", "+model.x": "2"})
    failed = standing({"optimizer": evil}, cause=evil)
    values = np.array([[0.1, 0.2]] * 2, np.float32)
    for one in (found, failed):
        keys = [(trial.sweep, trial.number) for trial in one.trials]
        curves = Curves(["accuracy", evil], dict.fromkeys(keys, values), dict.fromkeys(keys, 1))
        meta = {"sweep_id": evil, "name": evil, "command": evil, "device": evil, "conclusion": evil, "tracking_uri": "http://team"}
        found_page = Tags()
        found_page.feed(page(evil, evil, data_of(one, [meta], curves, [evil], champion=None, running=True), {evil: b"png"}).decode())
        names = [tag for tag, _ in found_page.found]
        assert names.count("script") == 2 and not {"img", "svg", "iframe", "link"} & set(names)
        assert not [name for _, attributes in found_page.found for name in attributes if name.startswith("on") or name in ("src", "href")]
