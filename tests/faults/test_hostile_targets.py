"""What `_target_` may not name, beyond tests/config/test_targets.py, and what else Hydra must not do with a node."""

from pathlib import Path

import pytest

from src.config.targets import build
from src.errors import ConfigError

TARGETS = {
    "data": [
        "os.popen",
        "subprocess.run",
        "src.datasets.fetch._run",
        "src.datasets.fetch.from_debian",
        "src.datasets.fetch.main",
        "src.datasets.idx.store",
        "src.datasets.fashion_mnist.download",
        "src.datasets.load",
        "src.datasets.json.load",
        "src.datasets.np.load",
        "src.datasets.npz.np.load",
        "src.datasets.npz.load.__globals__",
        "src.datasets.npz.load.__call__",
        "src.datasets.npz.load.__class__",
        "src.datasets..load",
        "src.datasets.npz.load\n",
    ],
    "model": ["src.models.two_layer.build.__init_subclass__", "src.models.one_layer.keras.Model", "src.modelsx.build", "", "None", "../x"],
    "optimizer": [
        "keras.optimizers.deserialize",
        "keras.optimizers.get",
        "keras.optimizers.SGD.from_config",
        "keras.optimizers.SGD.__base__",
    ],
    "oracle": ["src.oracles.base.os.system", "src.oracles.make", "src.oracles.grid.json.dumps"],
    "executor": ["src.executors.local.subprocess.Popen", "src.executors.pool.os.kill", "src.executors.ray_cluster.ray.init"],
    "training": [
        "keras.losses.deserialize",
        "keras.metrics.deserialize",
        "keras.callbacks.LambdaCallback.__init__",
        "keras.utils.get_file",
        "keras.layers.Lambda",
        "keras.config.enable_unsafe_deserialization",
        "keras.saving.load_model",
        "builtins.eval",
    ],
}


@pytest.mark.parametrize(("group", "target"), [(group, target) for group, targets in TARGETS.items() for target in targets])
def test_a_target_outside_of_its_group_is_refused_by_name(group: str, target: str, outside: Path) -> None:
    for node in ({"_target_": target}, {"_target_": "keras.optimizers.SGD", "x": [{"y": {"_target_": target}}]}):
        with pytest.raises(ConfigError, match=r"_target_ .* (is not allowed|cannot be found|is )"):
            build(group, node)


@pytest.mark.parametrize("extra", [{"_partial_": True}, {"_args_": [1]}, {"x": "${oc.env:HOME}"}, {"x": ["${oc.create:{a: 1}}"]}])
def test_hydra_does_nothing_more_than_call_the_target(extra: dict) -> None:
    with pytest.raises(ConfigError, match="is not allowed; expected"):
        build("optimizer", {"_target_": "keras.optimizers.SGD", **extra})
