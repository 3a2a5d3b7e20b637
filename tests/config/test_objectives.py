"""Two objectives: what a request makes of them, and what is told before anything starts."""

import pytest
from hydra.core.config_loader import ConfigLoader

from src.config.command_line import read_command_line
from src.errors import ConfigError
from src.running.invocation import Invocation

TWO = "objective=[val_accuracy,min:model/parameters]"


def test_trials_have_the_first_and_the_sweep_remembers_the_second(loader: ConfigLoader) -> None:
    line = read_command_line(loader, ["-m", "data=digits", "model.units=8,16", TWO])
    invocation = Invocation.of(line.request, line.config)
    assert invocation.objectives == "[max:val_accuracy,min:model/parameters]"
    assert line.config.objective == "val_accuracy"
    assert {point["objective"] for point in invocation.space.points()} == {"val_accuracy"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (f"-m {TWO} oracle=hyperband", "oracle=hyperband goes by one objective; expected objective=val_accuracy, or oracle=grid"),
        (f"-m {TWO} oracle=asha", "oracle=asha goes by one objective"),
        (f"-m {TWO} oracle=optuna", "oracle=optuna goes by one objective"),
        (f"-m {TWO} oracle=race", "oracle=race goes by one objective"),
        (f"-m {TWO} stop.target=0.9", "stop.target=0.9: it goes by one objective"),
        (f"-m {TWO} stop.patience=3", "stop.patience=3: it goes by one objective"),
        (f"-m {TWO} stop.trial=median", "stop.trial=median: it goes by one objective"),
        (f"-m {TWO} sweeps=notebook", "reported figures are compared by one objective"),
        (TWO, "expected -m in front, or one objective"),
        ("-m objective=[val_accuracy,val_loss,min:seconds]", "expected one objective, or two for all trials"),
        ("-m objective=[val_accuracy,val_loss],val_loss", "expected one objective, or two for all trials"),
        (f"-m {TWO} objective=val_loss", "objective is given 2 times"),
        ("-m objective=[val_accuracy,max:val_accuracy]", "the same metric twice"),
        ("-m objective=[val_accuracy,min:model/parameter]", "did you mean 'model/parameters'?"),
        ("-m objective=[val_accuracy,model/parameters]", "where the direction is not obvious min:model/parameters"),
    ],
)
def test_what_goes_by_one_is_refused_by_name(words: str, said: str, loader: ConfigLoader) -> None:
    with pytest.raises(ConfigError) as error:
        read_command_line(loader, words.split())
    assert said in str(error.value)
