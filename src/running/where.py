"""Chooses the executor of a sweep that names none: stacks on a GPU, otherwise processes side by side on this machine."""

from omegaconf import OmegaConf, read_write

from src.config.request import Request
from src.errors import ConfigError
from src.executors.machine import find_slots, gpus, this_machine
from src.running.invocation import Invocation

AT_ONCE = 8  # most trials at once of an oracle that learns: with more it would propose most of them before it sees a score


def choose_executor(request: Request, invocation: Invocation) -> None:
    """Sets the executor of a sweep of networks, unless the request names one. A single trial and functions stay in this process."""
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
    """Returns the number of trials for which this machine has cores and memory at once; 0 if not even one fits."""
    try:
        return find_slots("auto", threads, 0.0, [this_machine()])[0]
    except ConfigError:
        return 0
