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
    else:
        try:
            slots = find_slots("auto", invocation.threads, 0.0, [this_machine()])[0]
        except ConfigError:  # too little memory for one
            return
        if slots < 2:
            return
        name, workers = "local", AT_ONCE if learns and slots > AT_ONCE else "auto"
    node = OmegaConf.merge(request.catalog.file(f"executor/{name}").config, {"workers": workers})
    OmegaConf.update(config, "executor", node, merge=False, force_add=True)
    with read_write(config.hydra):
        choices.executor = name
