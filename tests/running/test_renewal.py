"""The report of a sweep that runs."""

import os
import threading
from pathlib import Path

import pytest

from src.report import REPORT, renew
from src.running import renewal
from src.study.store import Store
from tests.benchmarks.report import study
from tests.waiting import until


def test_the_report_of_a_sweep_that_runs_says_so_and_reads_an_open_study(tmp_path: Path) -> None:
    store = study(tmp_path / "20260101-000000-aaaa", 3, epochs=2)
    renew.renew(tmp_path / "20260101-000000-aaaa", "why")
    page = (tmp_path / "20260101-000000-aaaa" / REPORT).read_text()
    assert (
        "<h1>why</h1>" in page
        and '"running":true' in page
        and '"answer":"So far: ' in page
        and '"state":["FINISHED","FINISHED","FINISHED"]' in page
    )
    store.close()


@pytest.mark.slow
def test_it_is_renewed_by_a_process_that_gives_way_and_ends_with_the_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store: Store = study(tmp_path / "20260101-000000-aaaa", 3, epochs=2)
    file = tmp_path / "20260101-000000-aaaa" / REPORT
    monkeypatch.setattr(renewal, "SHARE", 0)
    with renewal.renewed(file.parent, "why", 0.05):
        until(file.exists)
        file.unlink()
        until(file.exists, why=lambda: "the second time")
    assert not [thread for thread in threading.enumerate() if thread.name == renewal.THREAD]
    store.close()


def test_a_renewal_that_hangs_ends_with_the_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    real = renewal.subprocess.Popen

    def hanging(_: object, **more: object) -> object:
        process = real(["sleep", "1000"], **{**more, "env": os.environ})
        started.append(process.pid)
        return process

    monkeypatch.setattr(renewal.subprocess, "Popen", hanging)
    with renewal.renewed(tmp_path, "", 0.01):
        until(lambda: started)
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)
