from collections.abc import Callable

import pytest
from hydra.core.config_loader import ConfigLoader
from hydra.types import RunMode
from omegaconf import OmegaConf

from src.config.composer import Composer
from src.config.paths import trial_config
from src.space import active_hash

LINES = [
    "",
    "optimizer=adam optimizer.learning_rate=0.1",
    "model.dropout=0.3 optimizer=sgd seed=7 optimizer.momentum=0.9",
    "model=logistic_regression data=digits",
    "+optimizer.clipnorm=1 model.units=8 training.callbacks=[{_target_:keras.callbacks.ReduceLROnPlateau}]",
    "++model.units=9 note='a, b' tags=[x,y] objective=min:val_loss training=fixed_epochs",
    "oracle=hyperband oracle.max_epochs=9 tracking.experiment='${seed}'",
]


@pytest.mark.parametrize("line", LINES)
def test_it_gives_what_hydra_gives(line: str, loader: ConfigLoader) -> None:
    composer, words = Composer(loader), line.split(" ") if line else []
    words = ["note='a, b'" if word == "note='a," else word for word in words if word != "b'"]
    for _ in range(2):
        assert OmegaConf.to_yaml(composer(words)) == OmegaConf.to_yaml(loader.load_configuration("config", words, RunMode.RUN))


def test_a_copy_is_given(loader: ConfigLoader) -> None:
    composer = Composer(loader)
    composer(["seed=1"]).seed = 9
    assert composer([]).seed == 42 and composer(["seed=1"]).seed == 1


def test_a_key_that_does_not_exist_is_an_error(loader: ConfigLoader) -> None:
    from hydra.errors import ConfigCompositionException

    with pytest.raises(ConfigCompositionException, match="nope"):
        Composer(loader)(["nope=1"])


def test_a_whole_number_is_a_fraction_where_conf_has_one(conf: Callable[..., ConfigLoader]) -> None:
    cosine = "{_target_: keras.optimizers.schedules.CosineDecay, initial_learning_rate: 0.1, decay_steps: 9}"
    composer = Composer(conf({"optimizer/cosine.yaml": f"_target_: keras.optimizers.Adam\nlearning_rate: {cosine}\n"}))
    rates = [composer([f"optimizer.learning_rate={text}"]) for text in ("1", "1.0")]
    assert [type(config.optimizer.learning_rate) for config in rates] == [float, float]
    assert active_hash(trial_config(rates[0])) == active_hash(trial_config(rates[1]))
    for line in ("optimizer.learning_rate.initial_learning_rate=2", f"optimizer.learning_rate={cosine.replace('0.1', '2')}"):
        schedule = composer(["optimizer=cosine", line]).optimizer.learning_rate
        assert repr(schedule.initial_learning_rate) == "2.0" and repr(schedule.decay_steps) == "9"
    assert repr(composer(["+model.layers=2", "model.units=3"]).model.layers) == "2", "what conf/ does not know stays as it is"
