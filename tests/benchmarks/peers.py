"""The same six trials as users of other tools run them, each as its guide shows:

    EPOCHS=5 TUNED= TRIALS=6 python -m tests.benchmarks.peers PEER

3 optimizers x 2 dropout rates, no early stopping, validation, metrics and `.h5` to MLflow on SQLite in this folder. TUNED=1 sets what
Keras' guide to `compile` names for speed: jit_compile and steps_per_execution. Ray Tune reuses its actors and runs a trial per core.
TRIALS=0: imports and data alone.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import mlflow

EPOCHS, TUNED, TRIALS = int(os.environ.get("EPOCHS", "5")), bool(os.environ.get("TUNED")), int(os.environ.get("TRIALS", "6"))
OPTIMIZERS, DROPOUTS = ["sgd", "adam", "rmsprop"], [0.0, 0.3]
STORE = os.environ.setdefault("STORE", f"sqlite:///{Path.cwd()}/mlflow.db")  # Ray's workers are elsewhere


@cache
def data() -> tuple[Any, Any]:
    """Our own decoder and split: what is compared begins behind them."""
    from src.datasets import fashion_mnist

    loaded = fashion_mnist.load(folder=None, validation_split=0.2, split_seed=42)
    return loaded.train, loaded.validation


def build(optimizer: str, dropout: float) -> keras.Model:
    """The 2-layer network, compiled."""
    keras.utils.set_random_seed(42)
    layers = [keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(100, activation="relu")]
    layers += [keras.layers.Dropout(dropout)] if dropout else []
    model = keras.Sequential([*layers, keras.layers.Dense(10, activation="softmax")])
    fast = {"jit_compile": True, "steps_per_execution": 50} if TUNED else {}
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"], **fast)
    return model


class Log(keras.callbacks.Callback):
    """Metrics of each epoch to MLflow."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        mlflow.log_metrics(logs, step=epoch)


def train(optimizer: str, dropout: float, model: keras.Model | None = None) -> float:
    """One trial with its run; the validation accuracy."""
    mlflow.set_tracking_uri(STORE)
    mlflow.set_experiment("peer")
    model, (x, y) = model or build(optimizer, dropout), data()[0]
    with mlflow.start_run(), tempfile.TemporaryDirectory() as folder:
        mlflow.log_params({"optimizer": optimizer, "dropout": dropout})
        large = {"validation_batch_size": 1000} if TUNED else {}  # as ours
        history = model.fit(x, y, epochs=EPOCHS, validation_data=data()[1], callbacks=[Log()], verbose=0, **large)
        model.save(f"{folder}/model.h5")
        mlflow.log_artifact(f"{folder}/model.h5")
    return float(history.history["val_accuracy"][-1])


def loop() -> None:
    """Two loops around `fit`."""
    for optimizer in OPTIMIZERS:
        for dropout in DROPOUTS:
            train(optimizer, dropout)


def keras_tuner() -> None:
    """KerasTuner's GridSearch; its tuner's own run_trial, as the guide "Tune the training process" shows."""
    import keras_tuner

    class Trials(keras_tuner.GridSearch):
        def run_trial(self, trial: Any, *_: Any, **__: Any) -> float:
            chosen = trial.hyperparameters
            return train(chosen.Choice("optimizer", OPTIMIZERS), chosen.Choice("dropout", DROPOUTS))

    Trials(objective=keras_tuner.Objective("default_objective", "max"), directory="tuner", max_trials=TRIALS, overwrite=True).search()


def optuna() -> None:
    """Optuna's GridSampler, the study in a file."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = {"optimizer": OPTIMIZERS, "dropout": DROPOUTS}
    study = optuna.create_study(storage="sqlite:///optuna.db", sampler=optuna.samplers.GridSampler(space), direction="maximize")
    study.optimize(lambda trial: train(*(trial.suggest_categorical(name, values) for name, values in space.items())))


def ray_tune() -> None:
    """Ray Tune, a trial per core."""
    import ray
    from ray import tune

    def trainable(config: dict[str, Any]) -> None:
        from tests.benchmarks import peers

        tune.report({"val_accuracy": peers.train(**config)})

    ray.init("local", include_dashboard=False, log_to_driver=False)
    space = {"optimizer": tune.grid_search(OPTIMIZERS), "dropout": tune.grid_search(DROPOUTS)}
    settings = tune.TuneConfig(metric="val_accuracy", mode="max", reuse_actors=True)
    place = tune.RunConfig(storage_path=str(Path.cwd() / "ray"), verbose=0)
    results = tune.Tuner(tune.with_resources(trainable, {"cpu": 1}), param_space=space, tune_config=settings, run_config=place).fit()
    assert len(results) == TRIALS and not results.errors


PEERS: dict[str, Callable[[], None]] = {"loop": loop, "keras_tuner": keras_tuner, "optuna": optuna, "ray_tune": ray_tune}

if __name__ == "__main__":
    mlflow.set_tracking_uri(STORE)
    mlflow.set_experiment("peer")
    data()
    if TRIALS:
        PEERS[sys.argv[1]]()
        runs = mlflow.search_runs(experiment_names=["peer"])
        assert len(runs) == TRIALS and set(runs.status) == {"FINISHED"}, runs
        print(sorted(runs["metrics.val_accuracy"]))
