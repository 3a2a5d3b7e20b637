"""`make ui`: MLflow's pages on this machine alone; waits until they answer, then prints the address."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

from src.config.command_line import conf_loader, tracking_uri
from src.exits import exit_on_error
from src.redaction import shown
from src.tracking.links import TRAINING

SECONDS = 120  # until the first page; a cold start takes 20


def free_port(first: int = 5000) -> int:
    """The first port that nobody listens on."""
    for port in range(first, first + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"ports {first} to {first + 99} are all taken")


def main() -> int:
    """Serves until Ctrl-C; a server that runs elsewhere is named."""
    with exit_on_error():
        with conf_loader() as loader:
            uri = tracking_uri(loader)
        if uri.startswith("http"):
            print(shown(f"MLflow: {uri}"))  # noqa: T201
            return 0
        from src.tracking.store import client  # imports MLflow, seconds

        with client(uri):  # which never changes an older database without a copy; MLflow's server would
            pass
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    }
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
        "--backend-store-uri",
        uri,
    ]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # noqa: S603
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the server never outlives this process
    try:
        if not _answers(server, f"{address}/health"):
            print(server.communicate()[1] if server.poll() is not None else f"{address} did not answer in {SECONDS} s", file=sys.stderr)  # noqa: T201
            return 1
        print(f"MLflow: {address}/#/experiments?{TRAINING}   (Ctrl-C ends it)", flush=True)  # noqa: T201
        server.communicate()
    except KeyboardInterrupt:
        pass
    finally:
        server.terminate()
        server.wait()
    return 0


def _answers(server: "subprocess.Popen[str]", address: str) -> bool:
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
