from collections.abc import Callable

import pytest
from hydra.core.config_loader import ConfigLoader
from hydra.types import RunMode

from src import trial
from src.errors import ConfigError
from src.executors.inline import Inline
from src.study.precheck import Tried, precheck


@pytest.fixture
def check(loader: ConfigLoader, space: Callable) -> Callable:
    return lambda *overrides: precheck(
        space("data=digits", *overrides), lambda words: loader.load_configuration("config", words, RunMode.RUN), Inline(trial.run)
    )


def test_what_only_keras_or_the_data_knows_is_told_at_once(check: Callable) -> None:
    with pytest.raises(ConfigError) as told:
        check("model.activation=relu,relx", "training.batch_size=32,5000", "+optimizer.clipnrom=1", "training.metrics=[acuracy]")
    for message in ("relx", "5000: there are 1149 training examples", "clipnrom", "keras.metrics has no 'acuracy'"):
        assert any(message in mistake for mistake in told.value.mistakes)
    assert len(told.value.mistakes) == 4


def test_an_engine_that_lacks_an_argument_is_told(check: Callable) -> None:
    with pytest.raises(ConfigError, match="sgd_classifier needs max_iter and folds"):
        check("training.engine=compiled,sgd_classifier")


def test_every_value_is_looked_at_in_few_trials(check: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = []

    def tried(configs: list[dict]) -> list[Tried]:
        prepared.extend((config["model"]["units"], config["seed"]) for config in configs)
        return [Tried() for _ in configs]

    monkeypatch.setattr("src.study.precheck.tried", tried)
    check("model.units=range(1,21)", "seed=range(1,21)")
    assert {units for units, _ in prepared} == {seed for _, seed in prepared} == {1, 20} and len(prepared) < 5


def test_what_mlflow_would_not_take_is_told_with_the_rest(check: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "prepare", lambda job: None)
    with pytest.raises(ConfigError) as told:
        check('+model.widths={"a[0]": 1}', f"+model.text={'x' * 6001}")
    for message in (
        "'model.widths.a[0]': MLflow takes no parameter of this name",
        "model.text: 6001 characters",
        "characters of overrides",
    ):
        assert any(message in mistake for mistake in told.value.mistakes)


def test_what_the_models_own_code_raises_is_told(check: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(job: trial.Job) -> None:
        raise RuntimeError("can not be instantiated") from AssertionError()

    monkeypatch.setattr(trial, "prepare", prepare)
    with pytest.raises(ConfigError, match=r"AssertionError:   \(.*test_precheck\.py:\d+\)  \(in the trial data=digits\)"):
        check()
