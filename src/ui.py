"""Serves MLflow's pages and the reports of sweeps to this machine alone, and prints both addresses when they answer.

python -m src.ui                        or make ui; Ctrl-C ends it
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass

from src.config.arguments import read_arguments
from src.config.command_line import conf_loader, tracking_uri
from src.errors import TrialbookError
from src.exits import exit_on_error
from src.redaction import printable
from src.report.server import reports, serve
from src.tracking.links import TRAINING

SECONDS = 120  # timeout of the first page; a cold start takes 20


@dataclass(frozen=True)
class Arguments:
    """The command takes no arguments."""


def free_port(first: int = 5000) -> int:
    """Returns the first free port."""
    for port in range(first, first + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise TrialbookError(f"ports {first} to {first + 99} are all taken; expected a free one. End what listens there.")


def main() -> int:
    """Serves until Ctrl-C; prints only the address of an MLflow server elsewhere. Returns the exit code."""
    with exit_on_error():
        read_arguments(Arguments, sys.argv[1:], __doc__)
        with conf_loader() as loader:
            uri = tracking_uri(loader)
        if uri.startswith("http"):
            print(printable(f"MLflow: {uri}"))  # noqa: T201
            return _serve_reports_alone()
        from src.tracking.store import client  # imports MLflow, seconds

        with client(uri):  # upgrades an older database after copying it; MLflow's server would not copy it
            pass
        port = free_port()
    address = f"http://127.0.0.1:{port}"
    safe = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}  # whatever the user has set
    environment = {**os.environ, **safe, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", uri]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # noqa: S603
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the server never outlives this process
    try:
        if not _answers(server, f"{address}/health"):
            has_ended = server.poll() is not None
            reason = server.communicate()[1] if has_ended else f"{address} did not answer in {SECONDS} s"
            print(reason, file=sys.stderr)  # noqa: T201
            return 1
        print(f"MLflow: {address}/#/experiments?{TRAINING}   (Ctrl-C ends it)")  # noqa: T201
        _serve_reports(port + 1)
        server.communicate()
    except KeyboardInterrupt:
        pass
    finally:
        server.terminate()
        server.wait()
    return 0


def _serve_reports(first: int) -> None:
    """Serves the reports in a thread on the first free port, and prints their address."""
    server = serve(free_port(first))
    print(f"Reports: http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201


def _serve_reports_alone() -> int:
    """Serves the reports of this folder until Ctrl-C, if there are any; returns the exit code."""
    if reports():
        _serve_reports(5000)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
    return 0


def _answers(server: "subprocess.Popen[str]", address: str) -> bool:
    """Waits for the first answer; returns False if the server ends or takes too long."""
    deadline = time.monotonic() + SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310  our own http address
                return True
        except OSError:
            time.sleep(0.3)
    return False


if __name__ == "__main__":
    sys.exit(main())
