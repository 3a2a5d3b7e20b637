import pytest
from mlflow.exceptions import MlflowException
from mlflow.utils import validation

from src.config.command_line import conf_loader, read_command_line
from src.config.rules import unrecordable
from src.errors import ConfigError
from tests.conftest import checked

MISTAKES = {
    "optimizer=adm": "optimizer has no option 'adm'; did you mean 'adam'? Options: adagrad, adam, rmsprop",
    "optmizer=adam": "there is no 'optmizer'; did you mean 'optimizer'?",
    "+optmizer=adam": "there is no 'optmizer'; did you mean 'optimizer'?",
    "model.dropuot=0.3": "did you mean 'model.dropout'?",
    "learning_rate=0.1": "did you mean 'optimizer.learning_rate'?",
    "optimizer.learning_rate=abc": "optimizer.learning_rate is 'abc'; expected a number, above 0.",
    "optimizer.learning_rate=nan": "is nan; expected",
    "optimizer.learning_rate=1e400": "is inf; expected",
    "training.epochs=-5": "training.epochs is -5; expected a whole number, at least 1.",
    "training.epochs=1.5": "training.epochs is 1.5; expected a whole number",
    "training.batch_size=0": "at least 1",
    "training.engine=kears": "one of compiled, keras, sgd_classifier",
    "training.keep=beste": "best or last",
    "model.dropout=1.5": "at least 0 and below 1",
    "seed=-1": "seed is -1; expected a whole number, at least 0",
    "model.units=": "model.units is ''; expected a whole number",
    "optimizer.beta_1=0.8": "optimizer=rmsprop has no 'optimizer.beta_1'; it belongs to optimizer=adam.",
    "optimizer=sgd,adam": "add -m to sweep over them",
    "optimizer=[sgd,adam]": "for a sweep say -m optimizer=sgd,adam",
    "~optimizer": "a key cannot be deleted",
    "objective=val_acuracy": "no metric 'val_acuracy' is reported; did you mean 'val_accuracy'? Metrics: loss, accuracy",
    "data=npz": "data.path is not set",
    "sweeps=dropuot": "did you mean 'dropout'?",
    "model.units": "Expected key=value",
    "+sweeps=dropout": "say sweeps=dropout without '+'",
    "sweeps=[dropout,optimizers]": "one question at a time",
    "sweeps=dropout,optimizers": "one question at a time",
    "sweeps=null": "sweeps has no option 'None'",
    "hydra.sweeper.params={seed: '1,2'}": "belongs in a file of sweeps/",
    "model=one_layer,two_layer": "add -m",
    "seed=99999999999": "below 4294967296",
    "+training.foo=3": "there is no 'training.foo'",
    "+oracle.foo=3": "there is no 'oracle.foo'",
    "tags=[mlflow.parentRunId]": "tags is ['mlflow.parentRunId']; expected a list, of words; mlflow.* and trialbook.* are set by",
    "tags=[paper,trialbook.sweep]": "mlflow.* and trialbook.* are set by MLflow and Trialbook",
    "tags=[MLflow.runName]": "mlflow.* and trialbook.* are set by",
    f"tags=[{'a' * 251}]": "; expected a list, of words",
    f"note={'a' * 5001}": "at most 5000 characters",
    "training.metrics=[{_target_: keras.metrics.Mean, name: top@3}]": "MLflow takes no metric named 'top@3'; expected letters",
    f"training.metrics=[{{_target_: keras.metrics.Mean, name: {'a' * 250}}}]": "expected at most 250 characters",
    "data.folder=/nowhere": "'/nowhere' does not exist",
}
SWEEP_MISTAKES = {
    "optimizer=sgd,sgd": "sgd is given twice",
    "model.units=1e1,10.0": "given twice",
    "model.units=choice()": "model.units=choice()",
    "model.units=int(interval(1,5))": "range(1,10,3)",
    "model.dropout=tag(lin, interval(0,0.5))": "there is no tag lin; expected tag(log",
    "model.dropout=tag(log, interval(0,0.5))": "no logarithm",
    "model.units=interval(5,1)": "is empty",
    "model.dropout=interval(0,1.5)": "model.dropout is 1.5; expected",
    "model.units=interval(1,8)": "model.units is 1.0; expected a whole number",
    "oracle=grid,random": "a sweep has one oracle",
    "tracking.experiment=a,b": "a sweep has one tracking.experiment",
    "optimizer=sgd,adm": "did you mean 'adam'?",
    "model.dropout=0.1,1.5": "is 1.5; expected",
    "model.units=range(5,1)": "an empty list of values",
}


@pytest.mark.parametrize(("argument", "message"), MISTAKES.items(), ids=[argument[:80] for argument in MISTAKES])
def test_a_mistake_is_told(argument: str, message: str) -> None:
    with pytest.raises(ConfigError) as told:
        checked([argument])
    assert message in str(told.value)
    assert argument in str(told.value)


@pytest.mark.parametrize(("argument", "message"), SWEEP_MISTAKES.items(), ids=SWEEP_MISTAKES)
def test_a_mistake_in_a_sweep_is_told(argument: str, message: str) -> None:
    with pytest.raises(ConfigError) as told:
        checked(["-m", argument])
    assert message in str(told.value)


def test_a_momentum_of_one_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match=r"optimizer\.momentum=1: optimizer\.momentum is 1; expected a number, at least 0 and below 1"):
        checked(["optimizer=sgd_momentum", "optimizer.momentum=1"])


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as told:
        checked(["optimizer=adm", "training.epochs=-5", "model.dropuot=3"])
    assert len(told.value.mistakes) == 3


def test_a_key_that_no_trial_uses_is_a_mistake() -> None:
    for argument in ("optimizer=sgd", "training.epochs=3"):
        with pytest.raises(ConfigError, match="logistic_regression does not use"):
            checked(["model=logistic_regression", argument])
    checked(["-m", "model=logistic_regression,two_layer", "optimizer=sgd", "training.epochs=3"])


def test_the_default_objective_must_be_reported_too() -> None:
    with pytest.raises(ConfigError, match="no metric 'val_accuracy' is reported"):
        checked(["training.metrics=[]"])


def test_a_file_that_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match=r"'nowhere\.npz' does not exist"):
        checked(["data=npz", "data.path=nowhere.npz"])


@pytest.mark.parametrize(
    "line", ["optimizer=adam model.dropout=0.3", "objective=min:val_loss", "training.patience=null", "+optimizer.clipnorm=1"]
)
def test_good_lines_pass_unchanged(line: str) -> None:
    assert checked(line.split()) == line.split()


def test_hydra_does_not_see_the_keys_of_trials_in_a_sweep() -> None:
    words = ["data=digits", "optimizer=adam,sgd", "optimizer.beta_1=0.8"]
    with conf_loader() as loader:
        line = read_command_line(loader, ["-m", *words])
    assert line.arguments == ["-m", "data=digits"] and [one.origin for one in line.request.assignments] == words
    assert line.config.hydra.runtime.choices.data == "digits"


@pytest.mark.parametrize(("setting", "message"), [("gpus_per_trial=1.5", "above 1 a whole one"), ("workers=0", "auto, or at least 1")])
def test_a_mistake_in_an_executors_settings_is_told(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        checked(["executor=local", f"executor.{setting}"])


NAMES = ["loss", "kept/val loss", "a:b", "a-b.c_d", "größe", "a" * 250]
NAMES += ["top@3", "units[0]", "a//b", "../a", "/a", "a/", ".", "a=b", "a\tb", "a" * 251]


@pytest.mark.parametrize("name", NAMES, ids=[name[:20] for name in NAMES])
def test_the_rule_for_names_is_mlflows(name: str) -> None:
    try:
        validation._validate_metric(name, 1.0, 0, 0)
        taken = True
    except MlflowException:
        taken = False
    assert (unrecordable(name) == "") == taken
