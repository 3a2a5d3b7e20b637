"""What gpu.py measures, each part in a process of its own:  python -m tests.benchmarks.gpu_parts PART full|toy

A part prints lines for people, and in its last line the figures as JSON.
"""

import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from src.config.paths import ROOT
from src.errors import first_words

Figures = dict[str, float | str]
LANES = {"full": (1, 8, 32, 64, 128, 256), "toy": (1, 2)}
STACKED = {"full": 32, "toy": 2}  # lanes of a network, and trials side by side with peers
EPOCHS = {"full": 10, "toy": 1}
PEER_TRIALS = {"full": 2, "toy": 1}
DATA = {"full": "fashion_mnist", "toy": "digits"}
EXAMPLES = {"full": (9600, 2400), "toy": (128, 64)}  # for training and validation of the networks
PACKAGES = ("tensorflow", "keras", "keras-tuner", "mlflow", "optuna", "ray")


def device(size: str) -> Figures:
    """What it runs on."""
    from src.training import runtime

    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"device": runtime.device(), "CPU cores": len(os.sched_getaffinity(0)), "python": sys.version.split()[0], **versions}


def sweep(*words: str) -> float:
    """Seconds of a sweep, the whole process, in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        command = [sys.executable, "-m", "src.sweep", *words]
        subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began


def users(size: str) -> Figures:
    """The user's own command, `make sweep`: three optimizers in one program, and one after the other."""
    words = ["-m", "optimizer=sgd,adam,rmsprop", *(["data=digits", "training.epochs=2"] if size == "toy" else [])]
    return {f"seconds, {executor}": sweep(*words, f"executor={executor}") for executor in ("fused", "inline")}


def ours(size: str) -> Figures:
    """The trials that peers run, stacked, the whole process."""
    words = f"-m seed=range(1,{STACKED[size] + 1}) optimizer=adam model.dropout=0.3 training=fixed_epochs training.epochs={EPOCHS[size]}"
    return {"trials": STACKED[size], "seconds": sweep(*words.split(), f"data={DATA[size]}", "executor=fused")}


def peer(name: str, *, tuned: bool = True) -> Callable[[str], Figures]:
    """Few trials of another tool, and by them the seconds that as many as ours take."""

    def measured(size: str) -> Figures:
        count = PEER_TRIALS[size] * (4 if name == "ray_tune" and size == "full" else 1)
        settings = {"TRIALS": str(count), "EPOCHS": str(EPOCHS[size]), "TUNED": "1" if tuned else "", "TOY": "1" if size == "toy" else ""}
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
            began = time.perf_counter()
            subprocess.run([sys.executable, "-m", "tests.benchmarks.gpu_peers", name], cwd=folder, env=environment, check=True)
            whole = time.perf_counter() - began
            seconds = [float(line) for line in (Path(folder) / "trials").read_text().split()]
        at_once = 4 if name == "ray_tune" and size == "full" else 1
        rest = (STACKED[size] - count) / at_once * min(seconds)  # the later ones have no start-up; the quickest counts
        return {"trials run": count, "seconds": whole, "seconds, scaled": whole + rest, "seconds of a trial": min(seconds)}

    return measured


def stacked(prepared: list[Any], epochs: int) -> tuple[float, float, dict[str, float]]:
    """Seconds of compilation and of an epoch of a stack, the median, and the metrics of its first lane."""
    from src.training import feed
    from src.training.stack import Stack

    first = prepared[0]
    began = time.perf_counter()
    stack = Stack([(first.model, len(prepared))], first.data, first.schedule)
    compiled = time.perf_counter() - began
    for lane, one in enumerate(prepared):
        stack.put(lane, one.model)
    seconds = []
    for epoch in range(epochs):
        orders = {lane: feed.order(first.data, lane, epoch) for lane in range(len(prepared))}
        began = time.perf_counter()
        metrics = stack.epoch(orders)
        seconds.append(time.perf_counter() - began)
    return compiled, statistics.median(seconds), metrics[0]


def prepared(size: str, *words: str) -> Any:
    """A trial before its training."""
    from src import trial
    from src.config.command_line import conf_loader
    from src.config.composer import Composer
    from src.config.paths import trial_config

    with conf_loader() as loader:
        return trial.prepare(trial_config(Composer(loader)([f"data={DATA[size]}", "optimizer=adam", *words])))


def lanes(size: str) -> Figures:
    """Trial-epochs per second by number of lanes, and the seconds of compilation."""
    found: Figures = {}
    one = prepared(size)
    for count in LANES[size]:
        compiled, epoch, _ = stacked([one] * count, 3)
        found |= {f"{count} lanes, trial-epochs per second": count / epoch, f"{count} lanes, seconds to compile": compiled}
        print(json.dumps(found), flush=True)  # those that were measured before a time limit
    return found


def networks(size: str) -> Figures:
    """A convolutional, a recurrent and an attention network: stacked, against one at a time."""
    import keras
    import tensorflow as tf

    layers = keras.layers
    base, found = prepared(size), dict[str, float | str]()
    shape = base.data.x.shape[1:]
    training, validation = EXAMPLES[size]
    data = replace(base.data, train_index=base.data.train_index[:training], validation_index=base.data.validation_index[:validation])
    rows = keras.Input(shape)
    pixels = layers.Reshape((*shape, 1))(rows)
    pooled = layers.MaxPooling2D(2)(layers.Conv2D(16, 3, activation="relu")(pixels))
    bodies = {
        "convolutional": layers.Flatten()(layers.Conv2D(32, 3, activation="relu")(pooled)),
        "recurrent": layers.LSTM(32)(rows),
        "attention": layers.Flatten()(layers.MultiHeadAttention(4, 16)(rows, rows)),
    }
    for name, body in bodies.items():
        model = keras.Model(rows, layers.Dense(len(base.interface.task.names), "softmax")(body))
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        one = replace(base, model=model, data=data)
        try:
            alone, together = (stacked([one] * count, 3)[1] for count in (1, STACKED[size]))
            found[f"{name}: {STACKED[size]} lanes against one at a time"] = STACKED[size] * alone / together
        except tf.errors.OpError as error:  # such a trial runs alone
            found[name] = f"not stacked: {first_words(error)}"
        print(json.dumps(found), flush=True)
    return found


def asha(size: str) -> Figures:
    """The share of lane-epochs in use over a sweep by asha, and the seconds of the whole process."""
    lanes, trials = (16, 100) if size == "full" else (2, 6)
    count = """
import sys
from src.executors.batch import Batch
own, used, whole = Batch.epoch, [], []
def epoch(self):
    used.append(len(self.members)), whole.append(self.stack.lanes)
    return own(self)
Batch.epoch = epoch
from src.sweep import main
try:
    main()
finally:
    print("share", sum(used) / sum(whole))
"""
    words = (
        f"-m data={DATA[size]} optimizer=adam optimizer.learning_rate=tag(log,interval(1e-4,1e-1)) oracle=asha oracle.max_trials={trials}"
    )
    more = f"oracle.max_epochs=9 oracle.min_epochs=1 executor=fused executor.workers={lanes}"
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        command = [sys.executable, "-c", count, *words.split(), *more.split()]
        done = subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, capture_output=True, text=True)
        share = next(line for line in done.stdout.splitlines() if line.startswith("share"))
        return {"share of lane-epochs in use": float(share.split()[1]), "seconds": time.perf_counter() - began}


def precision(size: str) -> Figures:
    """An epoch of a stack in mixed_bfloat16 against float32, and the validation accuracy after as many epochs."""
    found: Figures = {}
    for name in ("float32", "mixed_bfloat16"):
        _, seconds, metrics = stacked([prepared(size, f"training.precision={name}")] * STACKED[size], 3)
        found |= {f"{name}, seconds of an epoch": seconds, f"{name}, val_accuracy": metrics["val_accuracy"]}
    return found


PARTS: dict[str, Callable[[str], Figures]] = {
    "device": device,
    "the user's command": users,
    "trials per second by lanes": lanes,
    "Trialbook": ours,
    "loop around fit": peer("loop", tuned=False),
    "loop around fit *": peer("loop"),
    "networks": networks,
    "mixed_bfloat16": precision,
    "asha": asha,
    "KerasTuner GridSearch *": peer("keras_tuner"),
    "Optuna *": peer("optuna"),
    "Ray Tune *": peer("ray_tune"),
}

if __name__ == "__main__":
    print(json.dumps(PARTS[sys.argv[1]](sys.argv[2])))
