"""One trial, or with -m a sweep:  python -m src.sweep -m optimizer=sgd,adam,rmsprop"""

import atexit
import gc
import sys

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict

from src.config.command_line import checked
from src.config.paths import CONF
from src.errors import told


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def trial(config: DictConfig) -> None:
    """Runs one trial; a sweep goes to hydra_plugins/kerastuner_sweeper instead."""
    from src.study.run import run

    with open_dict(config):
        config.hydra = OmegaConf.create({"hydra": HydraConfig.get()}).hydra
    run(GlobalHydra.instance().config_loader(), config, list(config.hydra.overrides.task), single=True)


def main() -> None:
    """Checks the command line, then lets Hydra compose and run."""
    atexit.register(gc.freeze)  # else the interpreter looks once more through all that was imported: a second
    with told():
        sys.argv[1:] = checked(sys.argv[1:])
    trial()


if __name__ == "__main__":
    main()
