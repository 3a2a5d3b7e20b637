"""Where the trials of a sweep run that names no executor: stacked on a GPU, else side by side on the cores of this machine."""

from omegaconf import OmegaConf, read_write

from src.config.request import Request
from src.errors import ConfigError
from src.executors.machine import find_slots, gpus, this_machine
from src.running.invocation import Invocation

AT_ONCE = 8  # trials of an oracle that learns; with more it would propose most of them before it has seen a score


def choose_executor(request: Request, invocation: Invocation) -> None:
    """Chooses the executor of a sweep of networks, unless the request names one; one trial, and functions, stay in this process."""
    config = invocation.config
    named = any(one.key.partition(".")[0] == "executor" for one in request.everything)
    choices = config.hydra.runtime.choices
    if named or choices.executor != "inline" or invocation.single or invocation.function:
        return
    learns = choices.oracle == "bayesian" or invocation.oracle.get("sampler", "random") != "random"
    if gpus():
        name, workers = "fused", AT_ONCE if learns else "auto"
    elif (slots := _slots(invocation.threads)) > 1:
        name, workers = "local", AT_ONCE if learns and slots > AT_ONCE else "auto"
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
