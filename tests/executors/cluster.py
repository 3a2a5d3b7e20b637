"""A Ray cluster of two nodes on this machine; the second sees neither our source nor the driver's folder."""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from src.config.paths import ROOT
from src.ui import free_port
from tests.waiting import until

RAY = [str(Path(sys.executable).with_name("ray")), "start", "--num-cpus=1", "--block"]


@dataclass
class Cluster:
    """Attributes:
    address: for `executor.address`.
    environment: what a driver needs to be let in.
    hidden: folders that the second node does not see.
    nodes: the driver's, then the other one.
    said: by Ray, when it was asked last how many nodes there are.
    """

    address: str
    environment: dict[str, str]
    hidden: list[Path]
    nodes: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    said: str = field(default="", init=False)

    def complete(self) -> None:
        """Starts the nodes that do not run; on a busy machine Ray gives up a node that takes long to start, which begins anew."""
        head = [*RAY, "--head", f"--port={self.address.partition(':')[2]}", "--include-dashboard=false"]
        for place, command in enumerate((head, [*hiding(self.hidden), *RAY, f"--address={self.address}"])):
            until(lambda place=place, command=command: self._runs(place, command), why=lambda: self.said)

    def _runs(self, place: int, command: list[str]) -> bool:
        if place == len(self.nodes):
            self.nodes.append(_start(command, self.environment))
        elif self.nodes[place].poll() is not None:
            self.nodes[place] = _start(command, self.environment)
        count = f"import ray; ray.init('{self.address}', logging_level=50); print(len([n for n in ray.nodes() if n['Alive']]))"
        done = subprocess.run(
            [sys.executable, "-c", count], env={**os.environ, **self.environment}, capture_output=True, text=True, check=False
        )
        self.said = done.stdout + done.stderr
        return done.stdout.strip() == str(len(self.nodes))

    def kill_second(self) -> None:
        """The power of the second node fails."""
        _kill(self.nodes.pop())


def hiding(folders: list[Path]) -> list[str]:
    """A command's beginning, which hides folders from it; nothing where this system has no such thing."""
    own = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if not shutil.which("unshare") or subprocess.run([*own, "true"], check=False, capture_output=True).returncode:
        return []
    return [*own, "sh", "-c", "".join(f"mount -t tmpfs none '{folder}' && " for folder in folders) + 'exec "$0" "$@"']


@contextmanager
def two_nodes(folder: Path) -> Iterator[Cluster]:
    """A cluster whose nodes `complete` starts; `folder` is the driver's."""
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16), "RAY_USAGE_STATS_ENABLED": "0"}
    cluster = Cluster(f"127.0.0.1:{free_port(6400 + os.getpid() % 1000)}", token, [ROOT / "src", folder])
    try:
        yield cluster
    finally:
        for node in cluster.nodes:
            _kill(node)


def _kill(node: "subprocess.Popen[bytes]") -> None:
    """Kills a node with all of its processes."""
    for child in psutil.Process(node.pid).children(recursive=True) if node.poll() is None else []:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    node.kill()
    node.wait()


def _start(command: list[str], token: dict[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command, env={**os.environ, **token}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
