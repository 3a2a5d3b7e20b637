"""What this machine has: cores, memory, GPUs."""

import os
import shutil
import subprocess

import psutil

from src.errors import ConfigError

GIGABYTES_PER_WORKER = 1.2  # TensorFlow, the data and a small network


def gpus() -> list[str]:
    """The GPUs that may be used, as CUDA_VISIBLE_DEVICES names them."""
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for name in visible.split(",") if name and name != "-1"]
    if not shutil.which("nvidia-smi"):
        return []
    listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False)  # noqa: S607
    return [str(number) for number, line in enumerate(listed.stdout.splitlines()) if line.startswith("GPU ")]


def find_slots(workers: int | str, threads: int, gpus_per_trial: float) -> tuple[int, str]:
    """How many trials run side by side, and a line that says why.

    Raises:
        ConfigError: more than the machine has.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    free = psutil.virtual_memory().available
    most = {
        f"{cores} cores and training.threads={threads}": max(1, cores // threads),
        f"{free / 2**30:.1f} GB of free memory": int(free / 2**30 / GIGABYTES_PER_WORKER),
    }
    if gpus_per_trial:
        found = gpus()
        count = len(found) * _sharing(gpus_per_trial) if gpus_per_trial < 1 else len(found) // int(gpus_per_trial)
        most[f"{len(found)} GPUs and executor.gpus_per_trial={gpus_per_trial}"] = count
    reason = min(most, key=lambda key: most[key])
    if workers == "auto" and most[reason]:
        return most[reason], f"{most[reason]} workers: {reason}"
    wanted = 1 if workers == "auto" else int(workers)
    for limit, count in list(most.items())[1:]:  # more processes than cores are slow, not wrong
        if wanted > count:
            raise ConfigError([f"executor.workers={workers}: {limit} are enough for {count}; expected at most so many."])
    return wanted, f"{wanted} workers"


def gpus_of(slot: int, gpus_per_trial: float) -> list[str]:
    """The GPUs of a slot; of a fraction, the one that it shares."""
    if not gpus_per_trial:
        return []
    if gpus_per_trial < 1:
        return [gpus()[slot // _sharing(gpus_per_trial)]]
    first = slot * int(gpus_per_trial)
    return gpus()[first : first + int(gpus_per_trial)]


def _sharing(gpus_per_trial: float) -> int:
    return int(1 / gpus_per_trial + 1e-9)
