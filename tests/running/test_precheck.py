import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hydra.core.config_loader import ConfigLoader

from src import trial
from src.config.composer import Composer
from src.errors import ConfigError
from src.executors.inline import Inline
from src.running.precheck import TrialCheck, check_trials, precheck
from src.training import runtime

runtime.configure(1)
import keras  # noqa: E402  after TensorFlow's settings


@pytest.fixture
def check(loader: ConfigLoader, space: Callable) -> Callable:
    return lambda *overrides: precheck(space("data=digits", *overrides), Composer(loader), Inline(trial.run))


def test_what_only_keras_or_the_data_knows_is_told_at_once(check: Callable) -> None:
    with pytest.raises(ConfigError) as told:
        check("model.activation=relu,relx", "training.batch_size=32,5000", "+optimizer.clipnrom=1", "training.metrics=[accuracy,acuracy]")
    for message in ("relx", "5000: there are 1149 training examples", "clipnrom", "keras.metrics has no 'acuracy'"):
        assert any(message in mistake for mistake in told.value.mistakes)
    assert len(told.value.mistakes) == 4


def test_what_is_wrong_with_the_data_is_told_with_the_rest(check: Callable) -> None:
    with pytest.raises(ConfigError, match=r"(?s)Nothing was started, 2 mistakes.*0\.99999 of 1437 examples") as told:
        check("data.validation_split=0.2,0.99999", "training.metrics=[accuracy,acuracy]")
    assert "no 'acuracy'" in str(told.value)


def test_an_engine_that_lacks_an_argument_is_told(check: Callable) -> None:
    with pytest.raises(ConfigError, match="sgd_classifier needs max_iter and folds"):
        check("training.engine=compiled,sgd_classifier")


def test_every_value_is_looked_at_in_few_trials(check: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = []

    def check_trials(configs: list[dict], limits: dict) -> list[TrialCheck]:
        prepared.extend((config["model"]["units"], config["seed"]) for config in configs)
        return [TrialCheck() for _ in configs]

    monkeypatch.setattr("src.running.precheck.check_trials", check_trials)
    check("model.units=range(1,21)", "seed=range(1,21)")
    assert {units for units, _ in prepared} == {seed for _, seed in prepared} == {1, 20} and len(prepared) < 5


def test_what_mlflow_would_not_take_is_told_with_the_rest(check: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("src.running.precheck.check_trials", lambda configs, limits: [TrialCheck() for _ in configs])
    with pytest.raises(ConfigError) as told:
        check("+model.widths={a@b: 1}", f"+model.text={'x' * 6001}")
    for message in (
        "'model.widths.a@b': MLflow takes no parameter of this name",
        "model.text: 6001 characters",
        "characters of overrides",
    ):
        assert any(message in mistake for mistake in told.value.mistakes)


def test_what_the_models_own_code_raises_is_told(check: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(config: dict, folder: Path) -> None:
        raise RuntimeError("cannot be instantiated") from AssertionError()

    monkeypatch.setattr(trial, "prepare", prepare)
    with pytest.raises(ConfigError, match=r"AssertionError:   \(.*test_precheck\.py:\d+\)  \(in the trial data=digits\)"):
        check()


def found(config: dict) -> TrialCheck:
    return check_trials([config], {})[0]


UNREPORTED = {
    "objective=val_top3": ("objective", "max:val_top3", "objective=val_top3: it is not reported; did you mean"),
    "monitor": (
        "callbacks",
        [{"_target_": "keras.callbacks.EarlyStopping", "monitor": "val_acc"}],
        "EarlyStopping: monitor=val_acc: it is not reported; did you mean 'val_accuracy'? Metrics: loss, accuracy, val_loss, val_accuracy",
    ),
    "logits": ("loss", {"_target_": "keras.losses.SparseCategoricalCrossentropy", "from_logits": True}, "from_logits is not supported yet"),
    "mse": ("loss", "mean_squared_error", "mean_squared_error does not take class numbers"),
    "f1": ("metrics", [{"_target_": "keras.metrics.F1Score"}], "F1Score does not take class numbers"),
}


@pytest.mark.parametrize("case", UNREPORTED)
def test_what_a_step_would_get_wrong_is_told(case: str, compose: Callable) -> None:
    key, value, message = UNREPORTED[case]
    config = compose()
    (config if key == "objective" else config["training"])[key] = value
    assert message in "; ".join(found(config).mistakes)


def test_numbers_that_are_no_probabilities_are_told(compose: Callable, two_layer: Callable) -> None:
    config = compose()
    two_layer(lambda input_shape, num_classes, **_: _classifier(keras.layers.Dense(num_classes)))
    assert re.search(r"model: gives values from .*; expected probabilities\. End it in a softmax layer\.", found(config).mistakes[0])


def test_a_step_that_raises_is_told_once_for_all_trials_of_its_kind(compose: Callable, two_layer: Callable) -> None:
    layers = [keras.layers.Discretization(num_bins=4), keras.layers.Dense(10, activation="softmax")]  # not adapted
    two_layer(lambda input_shape, num_classes, **_: _classifier(*[type(one).from_config(one.get_config()) for one in layers]))
    causes = {one.cause for one in check_trials([compose(f"model.units={units}") for units in (3, 4, 5)], {})}
    assert len(causes) == 1 and "adapt" in causes.pop()


def test_one_step_tells_of_all_trials_that_differ_in_numbers(compose: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    monkeypatch.setattr("src.training.rehearsal.rehearse", lambda model, *_, **__: steps.append(type(model.optimizer).__name__))
    words = [("model.units=4",), ("model.units=5", "seed=3"), ("optimizer=adam",), ("optimizer=adam", "optimizer.learning_rate=0.02")]
    check_trials([compose(*some) for some in words], {})
    assert steps == ["RMSprop", "Adam"]


def test_weights_that_are_not_read_back_are_refused_before_they_are_trained(compose: Callable, two_layer: Callable) -> None:
    class Forgetful(keras.layers.Dense):
        def load_own_variables(self, store: dict) -> None: ...

    two_layer(lambda input_shape, num_classes, **_: _classifier(Forgetful(num_classes, activation="softmax")))
    assert "cannot be saved and read back" in found(compose()).mistakes[0]


def test_a_file_that_can_not_be_written_is_a_line(compose: Callable, two_layer: Callable) -> None:
    class Closed(keras.layers.Layer):
        def __init__(self, function: Callable) -> None:
            super().__init__()

        def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
            return inputs

    two_layer(lambda input_shape, num_classes, **_: _classifier(Closed(print), keras.layers.Dense(num_classes, activation="softmax")))
    told = found(compose())
    assert not told.mistakes and ["model.keras cannot" in told.lines[0], "model.h5 cannot" in told.lines[1]] == [True, True]


def test_a_point_that_can_not_be_built_is_infeasible(check: Callable, two_layer: Callable) -> None:
    def build(input_shape: tuple, num_classes: int, *, units: int, **_: Any) -> keras.Model:
        if units > 100:
            raise MemoryError(f"{units} units do not fit")
        return _classifier(keras.layers.Dense(num_classes, activation="softmax"))

    two_layer(build)
    [line] = check("model.units=10,20,500")
    assert line.startswith("1 of 2 tried trials cannot be trained; such trials will end as FAILED:")
    assert "raises MemoryError: 500 units do not fit" in line and f"({__file__}:" in line and "model.units=500)" in line
    with pytest.raises(ConfigError, match="500 units do not fit"):
        check("model.units=500,600")


def test_a_name_that_no_trial_can_be_built_with_is_a_mistake(check: Callable) -> None:
    with pytest.raises(ConfigError, match="relx"):
        check("model.activation=relu,relx")
    assert check("model.activation=relu,tanh") == []


def _classifier(*layers: keras.layers.Layer) -> keras.Model:
    return keras.Sequential([keras.Input((8, 8)), keras.layers.Flatten(), *layers])
