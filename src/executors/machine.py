"""Counts the cores, memory and GPUs of machines, and the trials that can run on them at once."""

import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from src.errors import ConfigError

CONTROL_GROUP = Path("/sys/fs/cgroup")  # where a container finds its own limits
GIGABYTES_PER_WORKER = 1.2  # TensorFlow, the data and a small network


@dataclass(frozen=True)
class Node:
    """The resources of a machine.

    Attributes:
        gigabytes: of free memory.
    """

    cores: int
    gigabytes: float
    gpus: int


def gpus() -> list[str]:
    """Returns the usable GPUs, by their names in CUDA_VISIBLE_DEVICES."""
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for name in visible.split(",") if name and name != "-1"]
    if not shutil.which("nvidia-smi"):
        return []
    listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False)  # noqa: S607
    return [str(number) for number, line in enumerate(listed.stdout.splitlines()) if line.startswith("GPU ")]


def memory_of_gpu() -> int | None:
    """Returns the free bytes of the first usable GPU; None if they are not known."""
    names, command = gpus(), shutil.which("nvidia-smi")
    if not names or not command:
        return None
    query = [command, f"--id={names[0]}", "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    answer = subprocess.run(query, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    return int(answer) * 2**20 if answer.isdecimal() else None


def this_machine() -> Node:
    """Returns the resources of the machine that this process runs on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    free = psutil.virtual_memory().available
    with suppress(OSError, ValueError):  # not Linux, or `max`
        quota, period = map(int, _of_container("cpu.max"))
        cores = max(1, min(cores, quota // period))
    with suppress(OSError, ValueError):
        [allowed], [used], words = map(_of_container, ("memory.max", "memory.current", "memory.stat"))
        cached = sum(int(words[words.index(name) + 1]) for name in ("active_file", "inactive_file"))  # freed when memory is needed
        free = min(free, int(allowed) - int(used) + cached)
    return Node(cores, free / 2**30, len(gpus()))


def _of_container(name: str) -> list[str]:
    """Returns the words in a file of the control group (version 2) that limits this process."""
    return (CONTROL_GROUP / name).read_text().split()


def find_slots(workers: int | str, threads: int, gpus_per_trial: float, nodes: list[Node], *, beyond_cores: bool = True) -> tuple[int, str]:
    """Returns the number of concurrent trials, and a line that explains it.

    Args:
        beyond_cores: allows more workers than cores, which are slow but correct.

    Raises:
        ConfigError: the machines have too few resources for `workers`.
    """
    where = f" on {len(nodes)} machines" if len(nodes) > 1 else ""
    cores = f"{sum(node.cores for node in nodes)} cores{where} and training.threads={threads}"
    memory = f"{sum(node.gigabytes for node in nodes):.1f} GB of free memory{where}"
    fewest = 1 if beyond_cores else 0
    limits = {  # description of a limit → trials per node
        cores: [max(fewest, node.cores // threads) for node in nodes],
        memory: [int(node.gigabytes / GIGABYTES_PER_WORKER) for node in nodes],
    }
    if gpus_per_trial:
        devices = f"{sum(node.gpus for node in nodes)} GPUs{where} and executor.gpus_per_trial={gpus_per_trial}"
        limits[devices] = [_trials_on(node.gpus, gpus_per_trial) for node in nodes]
    most = sum(min(counts) for counts in zip(*limits.values(), strict=True))
    if workers == "auto" and most:
        return most, f"{_workers(most)}: {min(limits, key=lambda limit: sum(limits[limit]))}"
    wanted = 1 if workers == "auto" else int(workers)
    for limit, counts in limits.items():
        if limit == cores and beyond_cores:
            continue
        if wanted > sum(counts):
            raise ConfigError([f"executor.workers={workers}: {limit} are enough for {sum(counts)}; expected at most that many."])
    return wanted, f"{_workers(wanted)}{where}"


def gpus_of(slot: int, gpus_per_trial: float) -> list[str]:
    """Returns the GPUs of a slot; with a fraction, several slots share one GPU."""
    if not gpus_per_trial:
        return []
    if gpus_per_trial < 1:
        return [gpus()[slot // _trials_on(1, gpus_per_trial)]]
    first = slot * int(gpus_per_trial)
    return gpus()[first : first + int(gpus_per_trial)]


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"


def _trials_on(gpus: int, gpus_per_trial: float) -> int:
    """Returns the number of trials that fit on the GPUs of a machine; a fraction never spans two GPUs."""
    if gpus_per_trial < 1:
        return gpus * int(1 / gpus_per_trial + 1e-9)
    return gpus // int(gpus_per_trial)
