"""What a team runs: an MLflow server on PostgreSQL, here on this machine alone."""

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from src.ui import free_port
from tests.waiting import until

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def programs() -> Path | None:
    """Where PostgreSQL's programs are; Debian keeps them away from the PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return debian[-1] if debian else next((Path(found).parent for found in [shutil.which("postgres")] if found), None)


@contextmanager
def postgresql() -> Iterator[str]:
    """A new database on a socket that only its user and root can reach; its address, as SQLAlchemy wants it."""
    folder = Path(tempfile.mkdtemp(prefix="trialbook-postgresql-"))
    own = []
    if os.geteuid() == 0:  # it refuses to run as root
        shutil.chown(folder, "postgres")
        own = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    try:
        new = ["-D", folder / "data", "-U", "trialbook", "-A", "trust", "--encoding=UTF8", "--locale=C"]
        subprocess.run([*own, programs() / "initdb", *new], check=True, cwd="/", **QUIET)
        with subprocess.Popen([*own, programs() / "postgres", "-D", folder / "data", "-k", folder, "-h", ""], cwd="/", **QUIET) as process:
            until(lambda: subprocess.run([programs() / "pg_isready", "-h", folder], check=False, **QUIET).returncode == 0)
            try:
                yield f"postgresql+psycopg://trialbook@/postgres?host={folder}"
            finally:
                process.terminate()
    finally:
        shutil.rmtree(folder)


@contextmanager
def mlflow_server(store: str, artifacts: Path) -> Iterator[str]:
    """MLflow's own server, through which the artifacts travel; its address."""
    address = f"http://127.0.0.1:{(port := free_port(5200 + os.getpid() % 1000))}"
    command = f"-m mlflow server --host 127.0.0.1 --port {port} --workers 2 --backend-store-uri {store} --artifacts-destination {artifacts}"
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with subprocess.Popen([sys.executable, *command.split()], env=environment, **QUIET) as process:
        try:
            until(lambda: process.poll() is not None or _answers(f"{address}/health"))
            assert process.returncode is None, f"mlflow server ended by itself with {process.returncode}"
            yield address
        finally:
            process.terminate()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
