"""The contract of the engines that Keras' `fit` drives: order of examples, kept epoch, stopping, checkpoints, digits.

One process runs them: most train the same network, which is compiled once.
"""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from src import trial
from src.config.paths import ROOT
from src.datasets import Dataset
from src.errors import Cancelled, Stop, TrialError
from src.objective import Objective
from src.tasks.classes import Classes
from src.training import feed, runtime, weights
from src.training.checkpoint import Checkpoint
from src.training.plain_fit import evaluate

Compose = Callable[..., dict]
pytestmark = pytest.mark.xdist_group("engines")


KERAS_LATER = [pytest.param("keras", marks=pytest.mark.long), "compiled"]


@pytest.fixture(params=["keras", "compiled"])
def compose(request: pytest.FixtureRequest, compose: Compose) -> Compose:
    return lambda *words: compose(f"training.engine={request.param}", *words)


def run(config: dict, folder: Path, report: Callable = lambda *_: None, **job: Any) -> trial.Outcome:
    return trial.run(trial.Job(0, 1, config, folder, **job), report, lambda: None)


def test_every_epoch_has_its_own_order_and_loses_no_example() -> None:
    runtime.configure(1)
    x = np.arange(12, dtype=np.float32)
    x.flags.writeable = False  # as one from a buffer is
    data = Dataset(x, np.arange(12), np.arange(2, 12), np.arange(2), Classes(("a",)), lambda: (x, x))
    found = list(feed.training(data, 4, seed=7).take(6).as_numpy_iterator())
    assert [len(x) for x, _ in found] == [4, 4, 2, 4, 4, 2]
    for epoch in (0, 1):
        seen = np.concatenate([y for _, y in found[3 * epoch : 3 * epoch + 3]])
        assert seen.tolist() == feed.order(data, 7, epoch).tolist() == (2 + np.random.default_rng([7, epoch]).permutation(10)).tolist()


@pytest.mark.parametrize(("compose", "objective"), [("keras", "val_accuracy"), ("compiled", "min:val_loss")], indirect=["compose"])
def test_the_kept_epoch_is_the_best_one(objective: str, compose: Compose, tmp_path: Path) -> None:
    outcome = run(
        compose(f"objective={objective}", "training.epochs=6", "optimizer.learning_rate=0.02", "training.patience=null"), tmp_path
    )
    kept, judged = int(outcome.metrics["kept/epoch"]), Objective.parse(objective)
    assert kept == judged.best_epoch(outcome.history[judged.name])
    for name, values in outcome.history.items():
        assert outcome.metrics[f"kept/{name}"] == values[kept - 1]


def test_keep_last_keeps_the_last_epoch(compose: Compose, tmp_path: Path) -> None:
    outcome = run(compose("training=fixed_epochs", "training.epochs=3", "optimizer.learning_rate=0.05"), tmp_path)
    assert outcome.metrics["kept/epoch"] == 3


def test_patience_stops_early_and_keeps_the_best(compose: Compose, tmp_path: Path) -> None:
    outcome = run(compose("training.epochs=60", "training.patience=2", "optimizer.learning_rate=0.02"), tmp_path)
    assert len(outcome.history["loss"]) == outcome.metrics["kept/epoch"] + 2 < 60


def test_a_non_finite_loss_fails_the_trial(compose: Compose, tmp_path: Path) -> None:
    outcome = run(compose("optimizer.learning_rate=1e30", "training.epochs=3"), tmp_path)
    assert outcome.state == "FAILED"
    assert "loss is nan after epoch 1" in outcome.cause.replace("inf", "nan")
    assert b"TrialError" in outcome.files["traceback.txt"]


def test_report_may_stop_a_trial(compose: Compose, tmp_path: Path) -> None:
    def report(epoch: int, metrics: dict[str, float]) -> None:
        if epoch == 2:
            raise Stop("enough")

    assert run(compose("training.epochs=5"), tmp_path, report).state == "KILLED"


def test_one_that_is_cancelled_is_the_trial_of_so_many_epochs(compose: Compose, tmp_path: Path) -> None:
    told: list[int] = []

    def check_stop() -> None:
        if told and told[-1] >= 2:
            raise Cancelled("cancelled")

    cancelled, short = (trial.Job(0, 1, compose(f"training.epochs={epochs}"), tmp_path) for epochs in (9, 2))
    found, expected = (trial.run(job, lambda epoch, _: told.append(epoch), check_stop) for job in (cancelled, short))
    assert (found.state, expected.state) == ("PRUNED", "FINISHED"), "after its last epoch a trial is at its end anyway"
    assert found.history == expected.history
    assert found.files["model.weights.h5"] == expected.files["model.weights.h5"]


def test_a_users_own_callback_is_instantiated(compose: Compose, tmp_path: Path) -> None:
    reduce = "training.callbacks=[{_target_: keras.callbacks.ReduceLROnPlateau, monitor: val_loss, patience: 1}]"
    assert "learning_rate" in run(compose(reduce, "training.epochs=2"), tmp_path).history


OTHERS = [pytest.param(words, marks=pytest.mark.long) for words in (("optimizer=adam", "training.patience=3"), ("training=fixed_epochs",))]


@pytest.mark.parametrize("words", [("model.dropout=0.3",), *OTHERS])
@pytest.mark.parametrize("compose", KERAS_LATER, indirect=True)
def test_three_and_six_epochs_more_are_nine_to_the_last_digit(words: tuple, compose: Compose, tmp_path: Path) -> None:
    words = ("optimizer.learning_rate=0.02", "training.patience=null", *words)
    first = run(compose(*words, "training.epochs=3"), tmp_path, continued=True)
    reported: list[int] = []
    saved = first.files[trial.CHECKPOINT]
    then = run(compose(*words, "training.epochs=9"), tmp_path, lambda epoch, _: reported.append(epoch), checkpoint=saved)
    other = run(compose(*words, "training.epochs=9", "seed=1"), tmp_path, checkpoint=saved)
    assert other.history["loss"][:3] == first.history["loss"] != other.history["loss"][3:6], "it did not begin anew"
    whole = run(compose(*words, "training.epochs=9"), tmp_path)
    assert then.history == whole.history and reported == list(range(1, len(whole.history["loss"]) + 1))
    assert digest(then) == digest(whole)
    assert then.metrics["kept/epoch"] == whole.metrics["kept/epoch"]


def digest(outcome: trial.Outcome) -> bytes:
    """The weights themselves: two .h5 of equal weights differ in their times."""
    with h5py.File(io.BytesIO(outcome.files["model.weights.h5"])) as file:
        found: list[bytes] = []
        file.visititems(lambda _, item: found.append(item[()].tobytes()) if isinstance(item, h5py.Dataset) else None)
    return b"".join(found)


@pytest.mark.parametrize("compose", KERAS_LATER, indirect=True)
def test_a_training_that_was_enough_is_not_gone_on_with(compose: Compose, tmp_path: Path) -> None:
    words = ("training.patience=2", "optimizer.learning_rate=0.05")
    first = run(compose(*words, "training.epochs=50"), tmp_path, continued=True)
    then = run(compose(*words, "training.epochs=60"), tmp_path, checkpoint=first.files[trial.CHECKPOINT])
    assert len(first.history["loss"]) < 50 and then.history == first.history and digest(then) == digest(first)


def test_a_killed_trial_goes_on_from_its_checkpoint(compose: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("src.training.keeper.SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    config = compose("training.epochs=6", "training.patience=null", "model.dropout=0.2")

    def report(epoch: int, metrics: dict[str, float]) -> None:
        if epoch == 4:
            raise Stop("killed")

    assert run(config, tmp_path, report).state == "KILLED"
    content = (tmp_path / trial.CHECKPOINT).read_bytes()
    assert Checkpoint.from_bytes(content).epochs == 3
    assert run(config, tmp_path, checkpoint=content).history == run(config, tmp_path).history
    short = compose("training.epochs=1", "training.patience=null", "model.dropout=0.2")
    assert run(short, tmp_path, checkpoint=content[:-100]).state == "FINISHED", "half a checkpoint is none"


def test_callbacks_have_a_state_that_is_in_no_checkpoint(compose: Compose, tmp_path: Path) -> None:
    reduce = "training.callbacks=[{_target_: keras.callbacks.ReduceLROnPlateau, monitor: val_loss, patience: 1}]"
    first = run(compose(reduce, "training.epochs=1"), tmp_path, continued=True)
    prepared = trial.prepare(compose(reduce), tmp_path, first.files[trial.CHECKPOINT])
    assert prepared.checkpoint is None


def test_the_same_overrides_give_the_same_digits_in_another_process() -> None:
    code = (
        "import json, tempfile, hydra; from pathlib import Path; from omegaconf import OmegaConf\n"
        "from src import trial; from src.config.auto import settle; from src.config.paths import CONF, TRIAL_KEYS\n"
        "for engine in ('keras', 'compiled'):\n"
        "    with hydra.initialize_config_dir(str(CONF), version_base='1.3'):\n"
        "        words = ['data=digits', 'training.epochs=3', 'model.dropout=0.3', f'training.engine={engine}']\n"
        "        config = hydra.compose('config', words)\n"
        "    settle(config)\n"
        "    config = OmegaConf.to_container(OmegaConf.masked_copy(config, list(TRIAL_KEYS)), resolve=True)\n"
        "    outcome = trial.run(trial.Job(0, 1, config, Path(tempfile.mkdtemp())), lambda *_: None, lambda: None)\n"
        "    print(json.dumps(outcome.history))"
    )
    here, there = io.StringIO(), subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    with redirect_stdout(here):
        exec(code, {})  # noqa: S102  of our own
    assert here.getvalue() == there
    assert [len(json.loads(history)["loss"]) for history in there.splitlines()] == [3, 3]


def scored_again(outcome: trial.Outcome, config: dict, folder: Path) -> dict[str, float]:
    """What the saved weights give in a new model."""
    prepared = trial.prepare(config, folder)
    weights.load(prepared.model, outcome.files["model.weights.h5"])
    found = evaluate(prepared.model, prepared.data.validation, prepared.schedule.validation_batch)
    return {f"kept/val_{name}": value for name, value in found.items()}


LAST, BEST = ("training=fixed_epochs",), ("training.keep=best", "+optimizer.ema_overwrite_frequency=7")
AVERAGED = [
    ("compiled", LAST),
    ("keras", BEST),
    *(pytest.param(*cell, marks=pytest.mark.long) for cell in (("keras", LAST), ("compiled", BEST))),
]


@pytest.mark.parametrize(("compose", "words"), AVERAGED, indirect=["compose"])
def test_the_score_is_that_of_the_saved_weights_also_where_the_optimizer_averages_them(
    words: tuple, compose: Compose, tmp_path: Path
) -> None:
    config = compose("model=one_layer", "training.epochs=3", "+optimizer.use_ema=true", "+optimizer.ema_momentum=0.9", *words)
    outcome = run(config, tmp_path)
    for name, value in scored_again(outcome, config, tmp_path).items():
        assert outcome.metrics[name] == pytest.approx(value, rel=1e-6), name
    raw = run(compose("model=one_layer", "training.epochs=3", *(word for word in words if "ema" not in word)), tmp_path)
    assert outcome.metrics["kept/val_loss"] != raw.metrics["kept/val_loss"], "the average is what is validated"


def test_weights_that_change_after_their_validation_fail_the_trial_with_both_numbers(compose: Compose, tmp_path: Path) -> None:
    prepared = trial.prepare(compose("model=one_layer"), tmp_path)

    def double(*_: Any) -> None:
        model = halving.model
        model.set_weights([2 * weight for weight in model.get_weights()])

    halving = keras.callbacks.LambdaCallback(on_epoch_end=double)
    prepared.arguments["callbacks"] = [halving]
    with pytest.raises(TrialError, match=r"the weights of epoch 1 give val_loss .*, recorded .*; expected the same"):
        trial.fit(prepared, lambda *_: None, lambda: None)
