"""The `fit` of a KerasTuner hypermodel as an engine: it gets what KerasTuner gives it, and its score is that of the kept epoch."""

from pathlib import Path
from typing import Any

import keras
import keras_tuner as kt
import numpy as np
import pytest

from src import adopted, models, tasks, trial
from src.datasets import Dataset
from src.errors import ConfigError, TrialError
from src.objective import Objective
from src.training import Schedule
from src.training.hypermodel import fit_of
from tests.conftest import Compose

X = np.random.default_rng(0).random((24, 5)).astype("float32")
Y = np.arange(24) % 3
CLASSES = tasks.find("classes")(("a", "b", "c"))
DATA = Dataset(X, Y, np.arange(16), np.arange(16, 24), CLASSES, lambda: None)
SCHEDULE = Schedule(epochs=2, batch_size=8, validation_batch=8, patience=None, keep="best")
LOSS = "categorical_crossentropy"


class Quiet:
    """A monitor to which nothing matters."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


class Net(kt.HyperModel):
    loss: Any = "sparse_categorical_crossentropy"
    activation = "softmax"

    def build(self, hp: kt.HyperParameters) -> keras.Model:
        keras.utils.set_random_seed(3)
        layers = [keras.Input((5,)), keras.layers.Dense(hp.Int("units", 2, 8)), keras.layers.Dense(3, activation=self.activation)]
        model = keras.Sequential(layers)
        model.compile("sgd", self.loss, metrics=["accuracy"])
        return model


def trained(hypermodel: kt.HyperModel, objective: str = "min:val_loss", takes: tuple[str, ...] = (), **options: Any) -> Any:
    model = adopted.built(hypermodel, {"units": 4, "shuffle": None})
    common = {"seed": 1, "objective": Objective.parse(objective), "schedule": SCHEDULE, "monitor": Quiet()}
    takes = takes or ("x", "y", "epochs", "batch_size", "validation_data")
    return fit_of(hypermodel, model, DATA, {"shuffle": False}, **common, takes=takes, **options), model


def test_the_model_is_fitted_as_kerastuner_fits_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    class Shuffling(Net):
        def fit(self, hp: kt.HyperParameters, model: keras.Model, *args: Any, **kwargs: Any) -> Any:
            return model.fit(*args, shuffle=hp.Boolean("shuffle"), **kwargs)

    calls: list[dict[str, Any]] = []
    original = keras.Model.fit

    def fit(self: keras.Model, *args: Any, **kwargs: Any) -> Any:
        named = dict(zip(("x", "y", "batch_size", "epochs"), args, strict=False)) | kwargs
        calls.append({name: one for name, one in named.items() if name not in ("callbacks", "verbose")})
        calls[-1]["history"] = original(self, *args, **kwargs).history
        return self.history

    monkeypatch.setattr(keras.Sequential, "fit", fit)
    fitted, _ = trained(Shuffling(), positional=2)
    monkeypatch.setattr(kt.Tuner, "_configure_tensorboard_dir", lambda *_: None)  # wants TensorBoard
    values = kt.HyperParameters()
    values.Fixed("units", 4)
    values.Fixed("shuffle", False)
    tuner = kt.RandomSearch(Shuffling(), kt.Objective("val_loss", "min"), 1, hyperparameters=values, directory=tmp_path)
    tuner.search(X[:16], Y[:16], batch_size=8, epochs=2, validation_data=(X[16:], Y[16:]), verbose=0)
    ours, theirs = calls
    assert ours.keys() == theirs.keys()
    for name in ours:
        for one, other in zip(keras.tree.flatten(ours[name]), keras.tree.flatten(theirs[name]), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, err_msg=name)
    [trial] = tuner.oracle.trials.values()
    assert min(fitted.history["val_loss"]) == pytest.approx(trial.score, rel=1e-5)


@pytest.mark.parametrize(("logits", "loss"), [(False, LOSS), (True, keras.losses.CategoricalCrossentropy(from_logits=True))])
def test_one_hot_rows_and_numbers_of_classes_give_one_training(logits: bool, loss: Any) -> None:
    hypermodel = Net()
    hypermodel.loss, hypermodel.activation = loss, "linear" if logits else "softmax"
    before = adopted.built(hypermodel, {"units": 4})
    after = adopted.built(hypermodel, {"units": 4}, numbered=True, logits=logits)
    assert adopted.takes_logits(before) == logits and not adopted.takes_logits(after)
    one_hot = before.fit(X, keras.utils.to_categorical(Y), epochs=3, shuffle=False, verbose=0).history
    numbers = after.fit(X, Y, epochs=3, shuffle=False, verbose=0).history
    assert one_hot.keys() == numbers.keys() == {"loss", "accuracy"}
    for name in one_hot:
        np.testing.assert_allclose(one_hot[name], numbers[name], rtol=1e-5)
    np.testing.assert_allclose(after(X).numpy().sum(axis=1), 1, rtol=1e-5)


def test_the_score_is_that_of_the_best_epoch_whose_weights_are_kept() -> None:
    class Loop(Net):
        def fit(self, hp: kt.HyperParameters, model: keras.Model, x: Any, y: Any, callbacks: Any = None, **_: Any) -> float:
            for epoch, loss in enumerate((3.0, 1.0, 2.0)):
                model.layers[-1].bias.assign([epoch] * 3)
                for callback in callbacks:
                    callback.on_epoch_end(epoch, {"gap": loss})
            return 1.0

    fitted, model = trained(Loop(), "min:gap")
    assert fitted.history == {"gap": [3.0, 1.0, 2.0]} and fitted.kept_epoch == 2
    assert model.layers[-1].bias.numpy().tolist() == [1.0] * 3


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (2.0, "returned gap=2, and reported 1"),
        ("good", "fit returned str; expected a History, a number"),
        ({"gap": 7}, "gap=7, and reported 1"),
    ],
)
def test_another_score_than_it_reported_fails_the_trial(returned: Any, message: str) -> None:
    class Loop(Net):
        def fit(self, *_: Any, callbacks: Any = None, **__: Any) -> Any:
            callbacks[0].on_epoch_end(0, {"gap": 1.0})
            return returned

    with pytest.raises(TrialError, match=message):
        trained(Loop(), "min:gap")


def test_what_is_returned_alone_is_one_epoch_and_batches_come_as_the_search_had_them() -> None:
    class Loop(Net):
        def fit(self, hp: kt.HyperParameters, model: keras.Model, data: Any, validation_data: Any, callbacks: Any) -> dict[str, float]:
            return {"gap": sum(float(len(x)) for x, _ in data), "size": float(len(next(iter(data))[0]))}

    fitted, _ = trained(Loop(), "min:gap", takes=("x", "validation_data"), positional=1, batched=5)
    assert fitted.history == {"gap": [16.0], "size": [5.0]}


@pytest.mark.parametrize("loss", [keras.losses.CategoricalCrossentropy(label_smoothing=0.1), "kl_divergence"])
def test_a_loss_of_one_hot_rows_alone_is_refused(loss: Any) -> None:
    hypermodel = Net()
    hypermodel.loss = loss
    with pytest.raises(ConfigError, match=r"expected CategoricalCrossentropy without|expected categorical_crossentropy"):
        adopted.built(hypermodel, {"units": 4}, numbered=True)


def test_what_a_module_draws_when_it_is_imported_does_not_change_its_first_trial(
    compose: Compose, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "drawing.py").write_text(
        "import random\nfrom src.models.two_layer import build as _build\n\n"
        "LUCK = random.random()\n\n\ndef build(input_shape, outputs, output_activation, *, units):\n"
        "    return _build(input_shape, outputs, output_activation, units=units, activation='relu', dropout=0.0)\n"
    )
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    config = compose()
    config["model"] = {"_target_": "src.models.drawing.build", "units": 4, "inactive": []}
    first, second = (trial.prepare(config, tmp_path).model.get_weights() for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
