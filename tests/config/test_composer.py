from collections.abc import Callable
from typing import Any

import pytest
from hydra.core.config_loader import ConfigLoader
from hydra.types import RunMode
from omegaconf import OmegaConf

from src.config.auto import settle
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
def test_it_gives_what_hydra_gives_and_what_the_task_of_the_data_says(line: str, loader: ConfigLoader) -> None:
    composer, words = Composer(loader), line.split(" ") if line else []
    words = ["note='a, b'" if word == "note='a," else word for word in words if word != "b'"]
    for _ in range(2):
        expected = loader.load_configuration("config", words, RunMode.RUN)
        settle(expected)
        assert OmegaConf.to_yaml(composer(words)) == OmegaConf.to_yaml(expected)
        assert "auto" not in (expected.objective, expected.training.loss, expected.training.metrics)


@pytest.mark.parametrize(
    ("line", "objective", "loss", "metrics"),
    [
        ("", "val_accuracy", "sparse_categorical_crossentropy", ["accuracy"]),
        ("data.task=binary", "val_accuracy", "binary_crossentropy", ["accuracy", "auc"]),
        ("data.task=numbers", "val_loss", "mean_squared_error", ["mean_absolute_error"]),
        ("data.task=labels objective=min:val_loss", "min:val_loss", "binary_crossentropy", ["binary_accuracy"]),
        ("training.loss=own", "val_loss", "own", []),
        ("training.metrics=[acc] objective=val_acc", "val_acc", "sparse_categorical_crossentropy", ["acc"]),
        (
            "data.task={kind:classes,price:numbers}",
            "val_loss",
            {"kind": "sparse_categorical_crossentropy", "price": "mean_squared_error"},
            {"kind": ["accuracy"], "price": ["mean_absolute_error"]},
        ),
    ],
)
def test_auto_is_what_the_task_of_the_data_says(line: str, objective: str, loss: Any, metrics: Any, loader: ConfigLoader) -> None:
    composed = Composer(loader)(["data=digits", *line.split()])
    assert (composed.objective, composed.training.loss, composed.training.metrics) == (objective, loss, metrics)


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
