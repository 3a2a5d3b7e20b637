"""The words of a function: what it has not is refused, what was recorded is replayed."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from hydra.core.config_loader import ConfigLoader

from src.config.command_line import read_command_line
from src.errors import ConfigError, TrialbookError
from src.promotion.candidate import replay
from tests.function.slope import OPTIONS


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("trial=slope optimizer=sgd", "optimizer=sgd: slope does not use 'optimizer'"),
        ("trial=slope training.epochs=2", "training.epochs=2: slope does not use 'training'"),
        ("trial=using model.units=8", "model.units=8: using does not use 'model'"),
        ("trial=slope trial.uses=[data]", "trial.uses=.*: only a file can set it"),
        ("trial=slope trial.objective=max:x", "trial.objective=.*: only a file can set it"),
        ("trial=program trial.command=[ls]", "trial.command=.*: only a file can set it"),
        ("trial=slope +trial.command=[ls]", "trial.command=.*: only a file can set it"),
        ("trial=slope trial._target_=src.trials.command.run", "trial._target_=.*: chosen by the name of an option"),
        ("-m trial=keras,slope trial.rate=0.1,0.2", "trial=keras,slope: a sweep has one trial"),
        ("trial=slop", "did you mean 'slope'"),
        ("trial=slope trial.rat=0.2", "did you mean 'trial.rate'"),
        ("trial=slope trial.rate=fast", "trial.rate is 'fast'; expected a number"),
        ("trial.rate=0.2", "trial=keras has no 'trial.rate'"),
        ("-m trial=slope trial.rate=0.1,0.2 objective=gap", "expected a metric such as .* min:gap or max:gap"),
    ],
)
def test_what_a_function_has_not_is_refused(words: str, said: str, conf: Callable[[dict[str, str]], ConfigLoader]) -> None:
    with pytest.raises(ConfigError, match=said):
        read_command_line(conf(OPTIONS), words.split())


@pytest.mark.parametrize("words", ["trial=using optimizer=sgd,adam", "trial=slope trial.rate=1,2 objective=max:x", "trial=slope seed=1,2"])
def test_what_a_function_has_is_taken(words: str, conf: Callable[[dict[str, str]], ConfigLoader]) -> None:
    read_command_line(conf(OPTIONS), ["-m", *words.split()])


@pytest.mark.parametrize(
    ("options", "words", "said"),
    [
        (OPTIONS, "limits={model/parameters:1e6}", "slope is a function.*\n.*using is a function"),
        ({**OPTIONS, "trial/using.yaml": "_target_: src.trials.slope.run\nobjective: max:x\nuses: []\n"}, "", "have min:loss and max:x"),
        ({**OPTIONS, "trial/using.yaml": "_target_: src.trials.slope.run\nuses: []\n"}, "", "conf/trial/using.yaml: no objective"),
    ],
)
def test_every_function_of_listed_trials_is_checked(
    options: dict[str, str], words: str, said: str, conf: Callable[[dict[str, str]], ConfigLoader]
) -> None:
    both = "# @package _global_\nhydra: {mode: MULTIRUN, sweeper: {trials: [[trial=slope], [trial=using]]}}\n"
    with pytest.raises(ConfigError, match=said):
        read_command_line(conf({**options, "sweeps/both.yaml": both}), ["sweeps=both", *words.split()])


def recorded(words: str, **choices: str) -> SimpleNamespace:
    return SimpleNamespace(run_id="r1", overrides=words, choices={"trial": "using", **choices})


def test_recorded_values_of_its_keys_are_replayed(conf: Callable[[dict[str, str]], ConfigLoader]) -> None:
    lines, config = replay(recorded("trial=using trial.rate=0.3 optimizer=sgd seed=7", optimizer="sgd"), conf(OPTIONS))
    assert len(lines) == 4 and config["trial"]["rate"] == 0.3 and config["seed"] == 7


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("+trial.x=1", r"\+trial\.x=1 is no key of its function; expected those that its file in conf/trial/ lists"),
        ("++trial.x=1", r"\+\+trial\.x=1 is no key of its function"),
        ("trial.x=1", "trial.x"),
        ("'trial.rate=${oc.env:HOME}'", "trial.rate"),
        ("trial._target_=os.getcwd", "_target_"),
        ("trial.rate=fast", "trial.rate is 'fast'; expected a number"),
        ("trial.uses=[data]", "only a file can set it"),
        ("model.units=8", "using does not use 'model'"),
        ("hydra.run.dir=x", "hydra.run.dir=x is no part of a trial"),
    ],
)
def test_recorded_words_that_do_more_are_refused(words: str, said: str, conf: Callable[[dict[str, str]], ConfigLoader]) -> None:
    with pytest.raises(TrialbookError, match=f"run r1 cannot be used: .*{said}|run r1 cannot be used: Nothing was started(?s:.)*{said}"):
        replay(recorded(f"trial=using trial.rate=0.3 {words}"), conf(OPTIONS))


def test_words_of_another_function_than_the_recorded_one_are_refused(conf: Callable[[dict[str, str]], ConfigLoader]) -> None:
    with pytest.raises(TrialbookError, match="it says trial=using, its overrides say trial=slope; expected the same"):
        replay(recorded("trial=slope trial.rate=0.3"), conf(OPTIONS))
