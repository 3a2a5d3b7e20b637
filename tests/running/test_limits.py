"""`limits:` ends a trial before it trains, on every executor, and it is no failure."""

from collections.abc import Callable

import pytest
from hydra.core.config_loader import ConfigLoader

from src import trial
from src.config.command_line import configured, read
from src.config.composer import Composer
from src.errors import ConfigError
from src.executors.inline import Inline
from src.running.precheck import precheck
from src.running.stopping import StopRules
from src.states import TrialState
from tests.running.conftest import NO_RULES, OBJECTIVE, Driven

LIMITS = {"model/parameters": 1000.0}  # of digits: 75 per unit, and 10
CAUSE = "model/parameters is above its limit of 1,000: 1,210"


@pytest.mark.parametrize("executor", [{"_target_": "src.executors.inline.Inline"}, {"_target_": "src.executors.fused.Fused", "workers": 4}])
def test_a_trial_beyond_a_limit_does_not_train(executor: dict, driven: Driven, no_pictures: None) -> None:
    driven.limits = LIMITS
    driver = driven.run(trial.run, "model.units=4,16,8", "training.epochs=1", rules={"max_failures": 1}, executor=executor)
    trials = driver.recorder.store.trials()
    assert [one.state for one in trials] == [TrialState.FINISHED, TrialState.INFEASIBLE, TrialState.FINISHED]
    assert (trials[1].cause, trials[1].metrics, trials[1].score) == (CAUSE, {"model/parameters": 1210}, None)
    ends = {run: end for kind, run, end in driven.tracker.calls if kind == "end"}
    assert ends["run1"]["state"] == TrialState.FAILED and ends["run1"]["tags"]["trialbook.cause"] == CAUSE
    assert not any(kind == "epoch" and run == "run1" for kind, run, _ in driven.tracker.calls)


def test_it_is_no_failure() -> None:
    rules = StopRules(OBJECTIVE, **{**NO_RULES, "max_failures": 1})
    rules.tell(TrialState.INFEASIBLE, None)
    assert not rules.reason()


def test_what_is_beyond_is_told_before_the_first_trial(loader: ConfigLoader, space: Callable) -> None:
    def lines(*words: str) -> list[str]:
        return precheck(space("data=digits", *words), Composer(loader), Inline(trial.run), LIMITS)

    [line] = lines("model.units=8,16")
    assert line.startswith("1 of 2 tried trials are beyond a limit; such trials will not train:") and CAUSE in line
    with pytest.raises(ConfigError) as told:
        lines("model.units=16,32")
    assert CAUSE in str(told.value) and len(told.value.mistakes) == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("limits={model/parameter:1e6}", "there is no 'model/parameter'; did you mean 'model/parameters'?"),
        ("limits={val_accuracy:1}", "there is no 'val_accuracy'. Known before a trial trains: model/parameters."),
        ("limits={model/parameters:0}", "model/parameters is 0; expected a number above 0."),
        ("limits={model/parameters:nan}", "model/parameters is nan; expected a number above 0."),
        ("limits={model/parameters:many}", "model/parameters is 'many'; expected a number above 0."),
        ("limits=5", "limits is 5; expected null or a mapping, such as limits={model/parameters:1e6}."),
    ],
)
def test_mistakes_in_limits_are_told(line: str, message: str, loader: ConfigLoader) -> None:
    with pytest.raises(ConfigError) as told:
        configured(loader, read(loader, [line], multirun=False), [line])
    assert f"{line}: {message}" in str(told.value)


def test_a_function_has_no_limits(conf: Callable) -> None:
    loader = conf({"trial/valley.yaml": "_target_: src.trials.valley.run\nobjective: min:height\nuses: []\n"})
    lines = ["trial=valley", "limits={model/parameters:1e6}"]
    with pytest.raises(ConfigError, match="valley is a function, whose metrics are known only when it returns"):
        configured(loader, read(loader, lines, multirun=False), lines)


def test_a_file_may_set_limits_and_other_mappings(conf: Callable) -> None:
    text = "# @package _global_\nlimits: {model/parameters: 1e6}\ntraining: {epochs: 2, phases: {all: {start: 1, learning_rate: 0.1}}}\n"
    loader = conf({"sweeps/mine.yaml": text})
    config = configured(loader, read(loader, ["sweeps=mine"], multirun=False), ["sweeps=mine"])
    assert config.limits == {"model/parameters": 1e6} and config.training.phases.all.learning_rate == 0.1 and config.training.epochs == 2
