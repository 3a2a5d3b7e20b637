"""300 networks on digits, each trained for 27 epochs, once: searches look their scores up.  python -m tests.benchmarks.curves

Writes curves.npz: for each configuration the validation loss and accuracy after each epoch, NaN after a failure.
"""

import itertools
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("curves.npz")
EPOCHS = 27
RATES = (0.0001, 0.00026, 0.00066, 0.0017, 0.0043, 0.011, 0.028, 0.073, 0.19, 0.48, 1.2, 3.2)
OPTIMIZERS, MOMENTA, UNITS = ("sgd", "adam", "rmsprop"), (0.0, 0.9), (8, 16, 32, 64, 128)
Key = tuple[str, float, float | None, int]  # optimizer, learning rate, momentum, units
METRICS = ("val_loss", "val_accuracy")


def keys() -> list[Key]:
    """All configurations, in the order of the file; adam has no momentum."""
    every = itertools.product(OPTIMIZERS, RATES, MOMENTA, UNITS)
    return list(dict.fromkeys((one, rate, None if one == "adam" else momentum, units) for one, rate, momentum, units in every))


@cache
def losses() -> dict[Key, Any]:
    """The lowest validation loss up to each epoch, (EPOCHS,); infinite before there is one."""
    values = np.load(FILE)["val_loss"].astype(float)
    least = np.fmin.accumulate(np.where(np.isfinite(values), values, np.inf), axis=1)
    return dict(zip(keys(), least, strict=True))


def train() -> None:
    """Trains all and writes the file."""
    lists = {"optimizer": OPTIMIZERS, "optimizer.learning_rate": RATES, "optimizer.momentum": MOMENTA, "model.units": UNITS}
    swept = [f"{key}={','.join(map(str, values))}" for key, values in lists.items()]
    fixed = ["data=digits", "data.validation_split=0.4", "training=fixed_epochs", f"training.epochs={EPOCHS}", "objective=val_loss"]
    with TemporaryDirectory() as folder:
        places = [f"tracking.uri=sqlite:///{folder}/mlflow.db", f"hydra.sweep.dir={folder}/sweeps"]
        words = ["-m", *fixed, *swept, *places, "executor=fused", "oracle=grid"]
        subprocess.run([sys.executable, "-m", "src.sweep", *words], check=False)  # diverging networks fail
        [study] = Path(folder).glob("sweeps/*/study.db")
        found = _read(study)
    np.savez_compressed(FILE, **found)


def _read(study: Path) -> dict[str, Any]:
    from src.study.store import Store

    store = Store.open(study)
    places = {key: place for place, key in enumerate(keys())}
    rows = {}
    for trial in store.trials():
        momentum = trial.point.get("optimizer.momentum")
        key = trial.point["optimizer"], float(trial.point["optimizer.learning_rate"]), momentum and float(momentum)
        rows[trial.number] = places[*key, int(trial.point["model.units"])]
    values = {name: np.full((len(places), EPOCHS), np.nan, dtype=np.float32) for name in METRICS}
    for number, epoch, metrics in store.epochs():
        for name in METRICS:
            values[name][rows[number], epoch - 1] = metrics[name]
    return values


if __name__ == "__main__":
    train()
