"""Which executor runs a sweep that names none, where there is a GPU: a small network alone leaves it almost idle."""

from omegaconf import DictConfig, OmegaConf, read_write

from src.config.request import Request
from src.executors.machine import gpus

FUSED = "fused"
LEARNING = {"bayesian": 8, "optuna": 8}  # oracle → trials at once; with many it would propose most before it has seen a score


def choose_executor(request: Request, config: DictConfig) -> None:
    """Chooses `fused` in the configuration of a sweep of networks, unless the request names an executor or there is no GPU."""
    named = any(one.key.partition(".")[0] == "executor" for one in request.everything)
    if named or not request.multirun or "_target_" in config.trial or not gpus():
        return
    choices = config.hydra.runtime.choices
    node = OmegaConf.merge(request.catalog.file(f"executor/{FUSED}").config, {"workers": LEARNING.get(choices.oracle, "auto")})
    OmegaConf.update(config, "executor", node, merge=False, force_add=True)
    with read_write(config.hydra):
        choices.executor = FUSED
