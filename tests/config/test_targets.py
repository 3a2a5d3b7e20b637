import importlib
from pathlib import Path

import pytest

from src.config.targets import build, find
from src.errors import ConfigError, DataError
from src.training import runtime


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "src.files.write",
        "keras.models.load_model",
        "src.models.two_layer.keras.models.load_model",
        "src.models.two_layer",
        "keras.optimizers.Nonsense",
        "src.models.two_layer.sys.exit.build",
    ],
)
def test_only_what_conf_is_made_of_is_instantiated(target: str) -> None:
    for group in ("model", "optimizer", "training"):
        with pytest.raises(ConfigError, match="_target_"):
            build(group, {"_target_": target})


def test_a_module_may_lie_in_a_folder_but_defines_what_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cnn").mkdir()
    (tmp_path / "cnn" / "small.py").write_text("def load(): ...\n")
    monkeypatch.setattr("src.datasets.__path__", [*importlib.import_module("src.datasets").__path__, str(tmp_path)])
    assert find("data", "src.datasets.cnn.small.load").__name__ == "load"
    with pytest.raises(ConfigError, match="is subprocess; expected what"):
        find("trial", "src.trials.command.subprocess.run")


def test_a_nested_target_is_checked_too() -> None:
    with pytest.raises(ConfigError, match="not allowed"):
        build("optimizer", {"_target_": "keras.optimizers.SGD", "learning_rate": {"_target_": "os.getcwd"}})


def test_an_argument_that_the_constructor_rejects_is_named() -> None:
    runtime.configure(1)
    with pytest.raises(ConfigError, match="clipnrom"):
        build("optimizer", {"_target_": "keras.optimizers.SGD", "clipnrom": 1.0})


def test_a_learning_rate_schedule_needs_no_python() -> None:
    runtime.configure(1)  # before anything of Keras is made
    schedule = {"_target_": "keras.optimizers.schedules.CosineDecay", "initial_learning_rate": 0.1, "decay_steps": 100}
    assert float(build("optimizer", {"_target_": "keras.optimizers.SGD", "learning_rate": schedule}).learning_rate) == pytest.approx(0.1)


def test_a_data_set_says_itself_what_is_missing(tmp_path: Path) -> None:
    node = {
        "_target_": "src.datasets.npz.load",
        "path": str(tmp_path / "nowhere.npz"),
        "task": "classes",
        "validation_split": 0.2,
        "split_seed": 42,
    }
    with pytest.raises(DataError, match=r"nowhere\.npz"):
        build("data", node)
