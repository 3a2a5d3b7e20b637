"""Settings without effect are mistakes."""

from collections.abc import Callable

import pytest
from hydra.core.config_loader import ConfigLoader

from src.config.command_line import read
from src.config.mistakes import find_mistakes


@pytest.mark.parametrize(
    ("words", "multirun", "message"),
    [
        (["stop.max_minutes=1"], False, "stop.max_minutes=1: there is one trial, and no next one"),
        (["oracle=bayesian", "seed=3"], False, "oracle=bayesian: there is one trial"),
        (["stop.patience=null", "stop.max_minutes=null"], False, ""),
        (["stop.max_minutes=1", "seed=1,2"], True, ""),
        (["hydra.run.dir=x", "seed=1,2"], True, "hydra.run.dir=x: it has no effect here; expected hydra.sweep.dir=…"),
        (["hydra.sweep.dir=x"], False, "hydra.sweep.dir=x: it has no effect here; expected hydra.run.dir=…"),
        (["data.folds=5", "data.fold=1", "data.validation_split=0.1"], False, "data.validation_split=0.1: data.folds=5 takes its place"),
        (["data.folds=null", "data.validation_split=0.1"], False, ""),
        (["oracle=asha", "oracle.min_epochs=30", "seed=1,2"], True, "oracle.min_epochs=30: more than oracle.max_epochs=20"),
        (["oracle=asha", "oracle.min_epochs=30", "oracle.max_epochs=30", "seed=1,2"], True, ""),
    ],
)
def test_a_setting_without_effect_is_told(words: list[str], multirun: bool, message: str, loader: ConfigLoader) -> None:
    mistakes = find_mistakes(read(loader, words, multirun=multirun))
    assert len(mistakes) == bool(message) and message in "".join(mistakes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hydra: {sweeper: {trials: [[seed=1], [seed=2]]}}", "trials: several trials; expected hydra: {mode: MULTIRUN}, or -m in front."),
        ("hydra: {mode: MULTIRUN, sweeper: {trials: [['seed=1,2'], [seed=3]]}}", "seed=1,2: several values; expected one"),
        (
            "hydra: {mode: MULTIRUN, sweeper: {params: {model.units: [1, 2]}, trials: [[optimizer=sgd]], reported: [{val_loss: 1}]}}",
            "the figures of reported belong to trials that differ in seeds alone",
        ),
        ("hydra: {mode: MULTIRUN, sweeper: {params: {seed: [1, 2]}, trials: [[optimizer=sgd]], reported: [{val_loss: 1}]}}", ""),
    ],
)
def test_a_part_of_a_file_without_effect_is_told(text: str, message: str, conf: Callable[[dict[str, str]], ConfigLoader]) -> None:
    mistakes = find_mistakes(read(conf({"sweeps/mine.yaml": f"# @package _global_\n{text}\n"}), ["sweeps=mine"], multirun=False))
    assert len(mistakes) == bool(message) and message in "".join(mistakes)
