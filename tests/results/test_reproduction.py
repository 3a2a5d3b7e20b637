"""The verdicts on a trial that ran again, on records made here."""

import hashlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig

from src.config.composer import Composer
from src.config.paths import trial_config
from src.errors import TrialbookError
from src.results.reproduction import Changes, of_conditions, of_configuration, verdict
from src.space import active_hash
from src.study import folders

TAGS = {
    "mlflow.source.git.commit": "c0ffee",
    "trialbook.code": "3f2a1c00",
    "trialbook.code_dirty": "false",
    "trialbook.versions": "python 3.12.1, keras 3.12.0",
    "trialbook.data_digest": "91ab44f0",
    "trialbook.device": "CPU",
    "trialbook.threads": "1",
    "trialbook.executor": "inline",
    "trialbook.objective": "max:val_accuracy",
    "trialbook.sha256.weights": "w",
}


def record(tags: dict[str, str] | None = None, files: dict[str, bytes] | None = None, **histories: list[float]) -> Any:
    """A run as the store has it."""
    found = {"val_accuracy": [0.5, 0.75], "val_top5": [0.9, float("nan")], "seconds": [1.0], **histories}
    found["kept/val_accuracy"] = [max(found["val_accuracy"])]
    return SimpleNamespace(
        run_id="abc",
        is_function=False,
        tags={**TAGS, **(tags or {})},
        metrics={name: values[-1] for name, values in found.items()},
        history=found.__getitem__,
        file=lambda name: (files or {})[name],
    )


@pytest.fixture
def composed(loader: ConfigLoader) -> Callable[..., DictConfig]:
    return lambda *words: Composer(loader)(["data=digits", *words])


def recorded(config: DictConfig, change: tuple[str, str] = ("", ""), **tags: str) -> Any:
    """The record of a trial of this configuration, whose config.yaml was changed afterwards."""
    content = folders.composition(config)["config"]
    own = {"trialbook.sha256.config": hashlib.sha256(content).hexdigest(), "trialbook.active_hash": active_hash(trial_config(config))}
    return record({**own, **tags}, {"config.yaml": content.replace(*(text.encode() for text in change))})


def test_the_same_digits_are_identical() -> None:
    assert verdict(record(), record(seconds=[2.0]), Changes())[0] == 0
    code, said = verdict(record(), record(), of_conditions(TAGS, TAGS | {"trialbook.device": "GPU"}))
    assert code == 0 and said.startswith("identical to the last digit") and said.endswith("although device: CPU then, GPU now")


@pytest.mark.parametrize("other", [{"val_accuracy": [0.5, 0.7500001]}, {"val_top5": [0.9, 0.8]}, {"val_accuracy": [0.5, 0.75, 0.7]}])
def test_other_digits_under_the_same_conditions(other: dict[str, list[float]]) -> None:
    code, said = verdict(record(), record(**other), of_conditions(TAGS, TAGS))
    assert code == 1 and said.startswith("other digits under the same conditions: ") and "val_accuracy 0.7500 then" in said
    assert ("from epoch 2 on" in said) is (len(other.get("val_accuracy", [])) < 3)
    assert verdict(record(), record({"trialbook.sha256.weights": "x"}), Changes())[0] == 1, "other weights alone"


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        ({}, {"trialbook.code": "77ab"}, "code: 3f2a1c00 (c0ffee) then, 77ab (c0ffee) now"),
        ({"trialbook.code": ""}, {"trialbook.code_dirty": "true"}, "code: not recorded (c0ffee) then, 3f2a1c00 (c0ffee, changed) now"),
        ({}, {"trialbook.versions": "python 3.12.1, keras 3.13.0"}, "keras: 3.12.0 then, 3.13.0 now"),
        ({}, {"trialbook.data_digest": "55cd"}, "data: 91ab44f0 then, 55cd now"),
        ({}, {"trialbook.device": "GPU"}, "device: CPU then, GPU now"),
        ({}, {"trialbook.threads": "2"}, "threads: 1 then, 2 now"),
        ({"trialbook.executor": "fused workers=auto"}, {}, "executor: fused workers=auto then, inline now"),
        ({"trialbook.executor": "local workers=2"}, {}, "executor: local workers=2 then, inline now"),
    ],
)
def test_what_differs_around_a_trial_is_named(then: dict[str, str], now: dict[str, str], said: str) -> None:
    changes = of_conditions(TAGS | then, TAGS | now)
    assert str(changes) == said
    code, text = verdict(record(then), record(now, val_accuracy=[0.5, 0.25]), changes)
    assert code == 1 and text.startswith(f"not the same trial: {said}\nfrom epoch 2 on, val_accuracy 0.75 then, 0.25 now")
    assert of_conditions(TAGS | {"mlflow.source.git.commit": "other"}, TAGS) == Changes(), "the code is the same in two commits"
    executorless = {name: value for name, value in TAGS.items() if name != "trialbook.executor"}
    assert str(of_conditions(executorless, TAGS)) == "executor: not recorded then, inline now"
    assert str(of_conditions(TAGS, executorless)) == "executor: inline then, not recorded now"
    assert str(of_conditions({"trialbook.versions": "keras 3.12.0"}, {"trialbook.versions": "keras 3.12.0"})).startswith(
        "code: not recorded"
    )


def test_every_value_of_the_configuration_is_compared(composed: Callable[..., DictConfig]) -> None:
    now = composed("training.threads=1")
    assert of_configuration(recorded(now), now) == Changes()
    changes = of_configuration(recorded(composed("data.split_seed=43", "training.batch_size=28")), now)
    assert changes.values == ("data.split_seed: 43 then, 42 now", "training.batch_size: 28 then, 32 now")
    code, said = verdict(record(), record(), changes)
    assert code == 1 and said.startswith("not the same trial: data.split_seed") and "its digits are the same nevertheless" in said
    assert of_configuration(recorded(composed("optimizer.learning_rate=0.0010")), now) == Changes(), "values, not texts"
    later = of_configuration(recorded(composed("+optimizer.clipnorm=1.0")), now)
    assert later == Changes(conditions=("optimizer.clipnorm: 1.0 then, not there now",)) and verdict(record(), record(), later)[0] == 0


def test_a_record_that_was_edited_is_noticed(composed: Callable[..., DictConfig]) -> None:
    now = composed("optimizer.learning_rate=0.5")
    file = of_configuration(recorded(now, ("learning_rate: 0.5", "learning_rate: 0.25")), now)
    assert file.values[0] == "optimizer.learning_rate: 0.25 then, 0.5 now" and "the file was changed" in file.values[1]
    assert "the file was changed" in str(of_configuration(recorded(now, ("note: null", "note: other")), now))
    overrides = of_configuration(recorded(composed("optimizer.learning_rate=0.125")), now)
    assert overrides.values == ("optimizer.learning_rate: 0.125 then, 0.5 now",)
    everything_but_the_hash = recorded(now, **{"trialbook.active_hash": active_hash(trial_config(composed()))})
    assert "the record was changed" in str(of_configuration(everything_but_the_hash, now))


@pytest.mark.parametrize("text", ["- 1", "a: &x [1]\nb: *x", "[1", "seed: 1"])
def test_a_config_that_is_none_is_refused_by_name(text: str, composed: Callable[..., DictConfig]) -> None:
    for files in ({"config.yaml": text.encode()}, {}):
        with pytest.raises(TrialbookError, match=r"run abc: its config\.yaml"):
            of_configuration(record(files=files), composed())


def test_an_objective_that_is_no_metric_is_refused_by_name() -> None:
    with pytest.raises(TrialbookError, match="run abc: its objective 'val_auc' is no metric of it; expected one of val_accuracy"):
        verdict(record({"trialbook.objective": "max:val_auc"}), record({"trialbook.sha256.weights": "x"}), Changes())
