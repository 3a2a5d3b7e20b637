"""The private names of libraries that src/ uses: after an upgrade, this test names the ones that are gone."""

import ast
import importlib
from typing import Any

import numpy as np
import pytest

from src.config.paths import ROOT
from src.training import runtime

runtime.configure(1)
import keras  # noqa: E402  after TensorFlow's settings

OF_MODULES = """
hydra._internal.config_loader_impl ConfigLoaderImpl._apply_overrides_to_config
hydra._internal.utils get_args_parser
hydra.core.override_parser.types Override._convert_value
omegaconf._utils get_omega_conf_dumper
keras.src.models Functional
keras.src.random.seed_generator global_seed_generator
keras_tuner Oracle._random_values
keras_tuner.oracles HyperbandOracle._get_epochs
keras_tuner.oracles HyperbandOracle._get_num_brackets
keras_tuner.oracles HyperbandOracle._get_num_rounds
keras_tuner.oracles HyperbandOracle._get_size
keras_tuner.oracles HyperbandOracle._random_trial
keras_tuner.oracles HyperbandOracle._remove_completed_brackets
keras_tuner.src.engine conditions
mlflow.store.db utils._get_alembic_config
mlflow.store.db utils._upgrade_db
mlflow.utils validation._validate_dataset_inputs
mlflow.utils validation._validate_metric
mlflow.utils validation._validate_param
mlflow.utils validation._validate_tag
tensorflow.python.ops.parallel_for pfor
"""
OF_INSTANCES = {
    "model": "_compile_loss _compile_metrics _compute_loss _flatten_layers _initial_epoch _loss_tracker",
    "loss": "_user_loss",
    "metrics": "_user_metrics",
    "optimizer": "_get_current_learning_rate _iterations _learning_rate",
    "layer": "_inbound_nodes _layers _non_trainable_variables _seed_generators _trainable_variables",
    "variable": "_value",
    "board": "_should_trace",
}
OF_OURS = {"_add", "_exit", "_db", "_check_schema", "_describe", "_transaction"}  # os._exit is documented


@pytest.mark.parametrize("line", OF_MODULES.strip().splitlines())
def test_a_private_name_of_a_module_is_there(line: str) -> None:
    module, path = line.split()
    found: Any = importlib.import_module(module)
    for name in path.split("."):
        if not hasattr(found, name):
            importlib.import_module(f"{module}.{name}")  # a module of its own
        found = getattr(found, name)


@pytest.fixture(scope="module")
def instances() -> dict[str, Any]:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2), keras.layers.Dropout(0.1)])
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    model.fit(np.ones((1, 2)), np.ones((1, 2)), verbose=0)
    board = keras.callbacks.TensorBoard()
    made = {"loss": model._compile_loss, "metrics": model._compile_metrics, "optimizer": model.optimizer}
    return {"model": model, **made, "layer": model.layers[0], "variable": model.variables[0], "board": board}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in OF_INSTANCES.items() for name in names.split()])
def test_a_private_name_of_an_instance_is_there(kind: str, name: str, instances: dict[str, Any]) -> None:
    assert hasattr(instances[kind], name)


def test_no_other_private_name_is_used() -> None:
    known = {line.rpartition(".")[2] for line in OF_MODULES.split()} | OF_OURS
    known |= {name for names in OF_INSTANCES.values() for name in names.split()}
    used = {
        f"{node.attr} ({file.relative_to(ROOT)})"
        for file in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__")
        if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls", "store"))
        if node.attr not in known
    }
    assert not used
