"""Keras' own callbacks: where they write, and that a trial does not notice those of the one before."""

from collections.abc import Callable
from pathlib import Path

import pytest

from src import trial
from src.errors import ConfigError
from src.training import callbacks, compiled, runtime

Compose = Callable[..., dict]
LOG = "{_target_: keras.callbacks.CSVLogger, filename: logs/epochs.csv}"
BEST = "{_target_: keras.callbacks.ModelCheckpoint, filepath: 'kept.weights.h5', save_weights_only: true}"


@pytest.fixture(autouse=True)
def configured() -> None:
    runtime.configure(1)


def run(config: dict, folder: Path) -> trial.Outcome:
    outcome = trial.run(trial.Job(0, 1, config, folder), lambda *_: None, lambda: None)
    assert outcome.state == "FINISHED", outcome.cause
    return outcome


def test_two_trials_write_into_their_own_folders(compose: Compose, tmp_path: Path) -> None:
    for number, epochs in enumerate((1, 2)):
        run(compose(f"training.epochs={epochs}", f"training.callbacks=[{LOG},{BEST}]"), tmp_path / str(number))
    for number, epochs in enumerate((1, 2)):
        folder = tmp_path / str(number) / "callbacks"
        assert len((folder / "logs" / "epochs.csv").read_text().splitlines()) == 1 + epochs
        assert (folder / "kept.weights.h5").is_file()


def test_tensorboard_writes_into_the_trials_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "find_spec", lambda name: True)
    for node in ({}, {"log_dir": "logs"}):
        [built] = callbacks.build_callbacks([{"_target_": "keras.callbacks.TensorBoard", **node}], tmp_path, per_batch=False)
        assert built.log_dir == str(tmp_path / "callbacks" / "logs")
    monkeypatch.setattr(callbacks, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="TensorBoard is not installed"):
        callbacks.build_callbacks([{"_target_": "keras.callbacks.TensorBoard"}], tmp_path, per_batch=False)


@pytest.mark.parametrize("place", ["/var/log.csv", "../../log.csv", "../checkpoint.npz"])
def test_a_place_that_trials_share_is_refused(place: str, compose: Compose, tmp_path: Path) -> None:
    config = compose(f"training.callbacks=[{LOG.replace('logs/epochs.csv', place)}]")
    with pytest.raises(ConfigError, match=f"CSVLogger would write to {place}, as all trials do; expected a relative path"):
        trial.prepare(config, tmp_path)


REFUSED = {
    "{_target_: keras.callbacks.BackupAndRestore, backup_dir: backup}": "BackupAndRestore is not needed: a killed trial goes on",
    "{_target_: keras.callbacks.SwapEMAWeights}": "with optimizer.use_ema the averaged weights are validated and saved",
    "{_target_: keras.callbacks.EarlyStopping, restore_best_weights: true}": "other weights than .* scored; expected training.keep=best",
    "{_target_: keras.callbacks.TensorBoard, profile_batch: 2}": "TensorBoard acts on every batch",
    "{_target_: keras.callbacks.CSVLogger}": "filename",
    "{_target_: keras.losses.MeanSquaredError}": "MeanSquaredError is none; expected one of keras.callbacks",
}


@pytest.mark.parametrize("callback", REFUSED)
def test_what_would_not_do_what_it_says_is_refused(callback: str, compose: Compose, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=REFUSED[callback]):
        trial.prepare(compose(f"training.callbacks=[{callback}]"), tmp_path)


def test_a_trial_does_not_notice_the_callbacks_of_the_one_before(compose: Compose, tmp_path: Path) -> None:
    stop = "{_target_: keras.callbacks.EarlyStopping, monitor: loss, patience: 0, min_delta: 9}"
    slow = "{_target_: keras.callbacks.ReduceLROnPlateau, monitor: loss, min_delta: 9, patience: 1, factor: 0.5}"
    words = ("training.epochs=3", "training.patience=null", "optimizer.learning_rate=0.01")
    compiled._programs.clear()
    alone = run(compose(*words), tmp_path).history
    assert len(run(compose(*words, f"training.callbacks=[{stop},{slow}]"), tmp_path).history["loss"]) == 2
    assert run(compose(*words), tmp_path).history == alone and len(compiled._programs) == 1
