"""A Ray cluster of two nodes on this machine; the second sees neither our source nor the driver's folder."""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from src.config.paths import ROOT
from src.tracking.ui import free_port
from tests.waiting import until

RAY = [str(Path(sys.executable).with_name("ray")), "start", "--num-cpus=1", "--block"]


@dataclass(frozen=True)
class Cluster:
    """Attributes:
    address: for `executor.address`.
    environment: what a driver needs to be let in.
    second: the node that is not the driver's.
    """

    address: str
    environment: dict[str, str]
    second: "subprocess.Popen[bytes]"

    def kill_second(self) -> None:
        """The power of the second node fails."""
        for process in reversed([psutil.Process(self.second.pid), *psutil.Process(self.second.pid).children(recursive=True)]):
            with suppress(psutil.NoSuchProcess):
                process.kill()


def hiding(folders: list[Path]) -> list[str]:
    """A command's beginning, which hides folders from it; nothing where this system has no such thing."""
    own = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if not shutil.which("unshare") or subprocess.run([*own, "true"], check=False, capture_output=True).returncode:
        return []
    return [*own, "sh", "-c", "".join(f"mount -t tmpfs none '{folder}' && " for folder in folders) + 'exec "$0" "$@"']


@contextmanager
def two_nodes(folder: Path) -> Iterator[Cluster]:
    """Runs the nodes; `folder` is the driver's."""
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16), "RAY_USAGE_STATS_ENABLED": "0"}
    address = f"127.0.0.1:{free_port(6400 + os.getpid() % 1000)}"
    head = [*RAY, "--head", f"--port={address.partition(':')[2]}", "--include-dashboard=false"]
    started: list[subprocess.Popen[bytes]] = []
    try:
        for command in (head, [*hiding([ROOT / "src", folder]), *RAY, f"--address={address}"]):
            started.append(_start(command, token))
            _wait(address, token, len(started))
        yield Cluster(address, token, started[1])
    finally:
        for process in started:
            for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []:
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            process.kill()
            process.wait()


def _start(command: list[str], token: dict[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command, env={**os.environ, **token}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def _wait(address: str, token: dict[str, str], nodes: int) -> None:
    count = f"import ray; ray.init('{address}', logging_level=50); print(len([n for n in ray.nodes() if n['Alive']]))"
    said = ""

    def complete() -> bool:
        nonlocal said
        done = subprocess.run([sys.executable, "-c", count], env={**os.environ, **token}, capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        return done.stdout.strip() == str(nodes)

    until(complete, why=lambda: f"{address} has {nodes} nodes: {said}")
