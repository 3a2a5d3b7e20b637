"""What machines have, cores, memory, GPUs, and how many trials that is enough for."""

import os
import shutil
import subprocess
from dataclasses import dataclass

import psutil

from src.errors import ConfigError

GIGABYTES_PER_WORKER = 1.2  # TensorFlow, the data and a small network


@dataclass(frozen=True)
class Node:
    """What a machine has for trials; of its memory, what is free."""

    cores: int
    gigabytes: float
    gpus: int


def gpus() -> list[str]:
    """The GPUs that may be used, as CUDA_VISIBLE_DEVICES names them."""
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for name in visible.split(",") if name and name != "-1"]
    if not shutil.which("nvidia-smi"):
        return []
    listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False)  # noqa: S607
    return [str(number) for number, line in enumerate(listed.stdout.splitlines()) if line.startswith("GPU ")]


def this_machine() -> Node:
    """The machine that this process runs on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Node(cores, psutil.virtual_memory().available / 2**30, len(gpus()))


def find_slots(workers: int | str, threads: int, gpus_per_trial: float, nodes: list[Node], *, beyond_cores: bool = True) -> tuple[int, str]:
    """How many trials run side by side, and a line that says why.

    Args:
        beyond_cores: more workers than cores may be asked for: they are slow, not wrong.

    Raises:
        ConfigError: more than the machines have.
    """
    where = f" on {len(nodes)} machines" if len(nodes) > 1 else ""
    limits = {
        f"{sum(node.cores for node in nodes)} cores{where} and training.threads={threads}": [
            max(int(beyond_cores), node.cores // threads) for node in nodes
        ],
        f"{sum(node.gigabytes for node in nodes):.1f} GB of free memory{where}": [
            int(node.gigabytes / GIGABYTES_PER_WORKER) for node in nodes
        ],
    }
    if gpus_per_trial:
        found = f"{sum(node.gpus for node in nodes)} GPUs{where} and executor.gpus_per_trial={gpus_per_trial}"
        limits[found] = [_sharers(node.gpus, gpus_per_trial) for node in nodes]
    most = sum(map(min, zip(*limits.values(), strict=True)))
    if workers == "auto" and most:
        return most, f"{most} workers: {min(limits, key=lambda limit: sum(limits[limit]))}"
    wanted = 1 if workers == "auto" else int(workers)
    for limit, counts in list(limits.items())[beyond_cores:]:
        if wanted > sum(counts):
            raise ConfigError([f"executor.workers={workers}: {limit} are enough for {sum(counts)}; expected at most so many."])
    return wanted, f"{wanted} workers{where}"


def gpus_of(slot: int, gpus_per_trial: float) -> list[str]:
    """The GPUs of a slot; of a fraction, the one that it shares."""
    if not gpus_per_trial:
        return []
    if gpus_per_trial < 1:
        return [gpus()[slot // _sharers(1, gpus_per_trial)]]
    first = slot * int(gpus_per_trial)
    return gpus()[first : first + int(gpus_per_trial)]


def _sharers(gpus: int, gpus_per_trial: float) -> int:
    """How many trials a machine's GPUs are enough for; a trial's fraction is of one."""
    return gpus * int(1 / gpus_per_trial + 1e-9) if gpus_per_trial < 1 else gpus // int(gpus_per_trial)
