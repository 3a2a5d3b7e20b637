"""Where the trials of a sweep run that names no executor: stacked on a GPU, else side by side on the cores of this machine."""

from omegaconf import OmegaConf, read_write

from src.config.request import Request
from src.errors import ConfigError
from src.executors.machine import find_slots, gpus, this_machine
from src.running.invocation import Invocation

AT_ONCE = {"bayesian": 8, "optuna": 8}  # oracle → most trials at once; with more it would propose most before it has seen a score


def choose_executor(request: Request, invocation: Invocation) -> None:
    """Chooses the executor of a sweep of networks, unless the request names one; one trial, and functions, stay in this process."""
    config = invocation.config
    named = any(one.key.partition(".")[0] == "executor" for one in request.everything)
    choices = config.hydra.runtime.choices
    if named or choices.executor != "inline" or invocation.single or invocation.function:
        return
    most = AT_ONCE.get(choices.oracle)
    if gpus():
        name, workers = "fused", most or "auto"
    elif (slots := _slots(invocation.threads)) > 1:
        name, workers = "local", min(slots, most) if most else "auto"
    else:
        return
    node = OmegaConf.merge(request.catalog.file(f"executor/{name}").config, {"workers": workers})
    OmegaConf.update(config, "executor", node, merge=False, force_add=True)
    with read_write(config.hydra):
        choices.executor = name


def _slots(threads: int) -> int:
    """Returns how many trials this machine has room for at once."""
    try:
        return find_slots("auto", threads, 0.0, [this_machine()])[0]
    except ConfigError:
        return 0
