"""`make ui`."""

import os
import re
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from src.config.paths import ROOT
from src.ui import free_port
from tests.waiting import PATIENCE


def test_a_taken_port_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < free_port(port) < port + 100


@pytest.mark.slow
@pytest.mark.usefixtures("first_port")
def test_the_address_is_printed_when_it_answers_and_on_this_machine_alone(store_uri: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": store_uri}
    ui = subprocess.Popen([sys.executable, "-m", "src.ui"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        line = ui.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert address, line
        with urllib.request.urlopen(f"{address[0]}/health", timeout=PATIENCE) as answer:
            assert answer.status == 200
        reports = re.search(r"Reports: (http://127\.0\.0\.1:\d+)", ui.stdout.readline())
        with urllib.request.urlopen(reports[1], timeout=PATIENCE) as answer:
            assert b"none yet" in answer.read()
    finally:
        ui.terminate()
        ui.wait()


def test_a_server_that_runs_elsewhere_is_named(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": "http://team:5000"}
    done = subprocess.run([sys.executable, "-m", "src.ui"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "MLflow: http://team:5000\n"
