"""The same trials as users of other tools run them on one GPU:  TRIALS=2 EPOCHS=10 TUNED=1 python -m tests.benchmarks.gpu_peers PEER

The trial is that of tests/benchmarks/peers.py: the 2-layer network, validation, metrics and `.h5` to MLflow on SQLite. Each adds a line
with its seconds to the file `trials` in this folder, from which gpu.py computes what 32 trials take. TOY=1: 256 random pictures.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tests.benchmarks import peers

SEEDS = list(range(1, int(os.environ.get("TRIALS", "2")) + 1))
TRIALS = Path(os.environ.setdefault("SECONDS", str(Path.cwd() / "trials")))  # Ray's workers are elsewhere
SIDE_BY_SIDE = 4  # trials of Ray Tune that share the GPU


def few() -> tuple[Any, Any]:
    """Random pictures in place of Fashion-MNIST."""
    random = np.random.default_rng(1)
    return tuple((random.random((count, 28, 28), np.float32), random.integers(10, size=count)) for count in (256, 64))  # type: ignore[return-value]


def train(seed: int) -> float:
    """One trial."""
    if os.environ.get("TOY"):
        peers.data = few  # type: ignore[assignment]
    began = time.perf_counter()
    keras.utils.set_random_seed(seed)
    score = peers.train("adam", 0.3)
    with TRIALS.open("a") as file:
        file.write(f"{time.perf_counter() - began}\n")
    return score


def loop() -> None:
    """A loop around `fit`."""
    for seed in SEEDS:
        train(seed)


def keras_tuner() -> None:
    """KerasTuner's GridSearch with its own run_trial."""
    import keras_tuner

    class Trials(keras_tuner.GridSearch):
        def run_trial(self, trial: Any, *_: Any, **__: Any) -> float:
            return train(trial.hyperparameters.Choice("seed", SEEDS))

    Trials(objective=keras_tuner.Objective("default_objective", "max"), directory="tuner", max_trials=len(SEEDS), overwrite=True).search()


def optuna() -> None:
    """Optuna's GridSampler in one process, the study in a file."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.GridSampler({"seed": SEEDS})
    study = optuna.create_study(storage="sqlite:///optuna.db", sampler=sampler, direction="maximize")
    study.optimize(lambda trial: train(trial.suggest_categorical("seed", SEEDS)))


def ray_tune() -> None:
    """Ray Tune, four trials on the GPU; without one, one after the other."""
    import ray
    from ray import tune

    def trainable(config: dict[str, Any]) -> None:
        from tests.benchmarks import gpu_peers

        tune.report({"val_accuracy": gpu_peers.train(**config)})

    ray.init("local", include_dashboard=False, log_to_driver=False)
    shares = {"gpu": 1 / SIDE_BY_SIDE, "cpu": 1} if ray.cluster_resources().get("GPU") else {"cpu": os.cpu_count() or 1}
    settings = tune.TuneConfig(metric="val_accuracy", mode="max", reuse_actors=True)
    place = tune.RunConfig(storage_path=str(Path.cwd() / "ray"), verbose=0)
    space = {"seed": tune.grid_search(SEEDS)}
    results = tune.Tuner(tune.with_resources(trainable, shares), param_space=space, tune_config=settings, run_config=place).fit()
    assert len(results) == len(SEEDS) and not results.errors


PEERS: dict[str, Callable[[], None]] = {"loop": loop, "keras_tuner": keras_tuner, "optuna": optuna, "ray_tune": ray_tune}

if __name__ == "__main__":
    peers.mlflow.set_tracking_uri(peers.STORE)
    peers.mlflow.set_experiment("peer")
    PEERS[sys.argv[1]]()
