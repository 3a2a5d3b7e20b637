"""What an ask and a tell cost when many trials have ended:  python -m tests.benchmarks.ask_tell

Each figure is a process of its own; milliseconds are medians of 20 rounds.
"""

import json
import resource
import statistics
import subprocess
import sys
import time

from omegaconf import OmegaConf

from src import oracles
from src.config.command_line import conf_loader, read
from src.config.paths import CONF
from src.objective import Objective
from src.oracles import KnownTrial
from src.space import Space

AXES = ["optimizer=sgd,adam,rmsprop", "optimizer.learning_rate=tag(log,interval(1e-4,1e-1))", "optimizer.momentum=interval(0.0,0.9)"]
WORDS = {
    "grid": ["optimizer=sgd,adam,rmsprop", "model.units=range(16,144)", "seed=range(0,27)"],
    **{key: [*AXES, "model.units=int(interval(16,128))"] for key in ("random", "bayesian", "hyperband", "asha")},
}
SETTINGS = {
    "grid": {},
    "random": {"max_trials": 10_100},
    "bayesian": {"max_trials": 10_100},
    "hyperband": {"max_epochs": 81, "iterations": 50},
    "asha": {"max_trials": 10_100, "max_epochs": 81},
}
FAST = {
    "bayesian": {"initial_points": 10_100},
    "hyperband": {"sampler": "random"},
    "asha": {"sampler": "random"},
}  # to fill without a model
ROUNDS = 20


def measure(name: str, ended: int) -> dict[str, float]:
    """Milliseconds of an ask and a tell after so many trials, seconds to restore those, and megabytes of the process."""
    objective = Objective("val_accuracy", "max")
    node = OmegaConf.to_container(OmegaConf.load(CONF / "oracle" / f"{name}.yaml")) | SETTINGS[name]
    with conf_loader() as loader:
        space = Space.of(read(loader, WORDS[name], multirun=True))
        filler = oracles.create(space, objective, node | FAST.get(name, {}))
        told = []
        for number in range(ended):
            proposal = filler.ask(number)
            assert proposal
            filler.tell(number, number * 7919 % 1000 / 1000)
            told.append(KnownTrial(number, proposal, "FINISHED", number * 7919 % 1000 / 1000))
        state = json.loads(json.dumps(filler.state()))
        del filler
        before = time.perf_counter()
        oracle = oracles.create(space, objective, node)
        oracle.restore(state, told)
        restored = time.perf_counter() - before
        asks, tells = [], []
        for number in range(ended, ended + ROUNDS):
            before = time.perf_counter()
            assert oracle.ask(number)
            asks.append(time.perf_counter() - before)
            before = time.perf_counter()
            oracle.tell(number, 0.5)
            json.dumps(oracle.state())
            tells.append(time.perf_counter() - before)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"ask": 1000 * statistics.median(asks), "tell": 1000 * statistics.median(tells), "restore": restored, "MB": megabytes}


def main() -> None:
    """Prints a table."""
    if len(sys.argv) == 3:
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
        return
    print("oracle      ended   ask ms  tell ms  restore s    MB")
    for name in WORDS:
        for ended in (10, 1000, 10_000):
            command = [sys.executable, "-m", "tests.benchmarks.ask_tell", name, str(ended)]
            found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
            print(f"{name:10} {ended:6} {found['ask']:8.2f} {found['tell']:8.2f} {found['restore']:10.2f} {found['MB']:5.0f}", flush=True)


if __name__ == "__main__":
    main()
