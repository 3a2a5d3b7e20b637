"""A store that an attacker writes: weights, overrides, names and answers that would run, read or write something else are refused."""

import dataclasses
import io
import shlex
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from hydra.core.config_loader import ConfigLoader
from mlflow import MlflowClient

from src import compare, promote, reproduce
from src.errors import TrialbookError
from src.promotion.candidate import rebuild, replay
from src.tracking.runs import StoredRun


def weights(change: Callable[[h5py.File], None], run: StoredRun) -> bytes:
    """The run's weights, changed."""
    content = io.BytesIO(run.weights)
    with h5py.File(content, "r+") as file:
        change(file)
    return content.getvalue()


def replaced(make: Callable[[h5py.Group, np.ndarray], None]) -> Callable[[h5py.File], None]:
    """Puts something else in the place of the first kernel."""

    def change(file: h5py.File) -> None:
        group = file["layers/dense/vars"]
        values = group["0"][()]
        del group["0"]
        make(group, values)

    return change


def moved(link: object) -> Callable[[h5py.File], None]:
    """Puts a link in the place of all layers."""

    def change(file: h5py.File) -> None:
        file.move("layers", "elsewhere")
        file["layers"] = link

    return change


def virtual(group: h5py.Group, values: np.ndarray) -> None:
    layout = h5py.VirtualLayout(values.shape, values.dtype)
    layout[:] = h5py.VirtualSource("other.h5", "data", values.shape)
    group.create_virtual_dataset("0", layout)


HOSTILE_WEIGHTS = {
    "external link to a variable": replaced(lambda group, _: group.__setitem__("0", h5py.ExternalLink("other.h5", "data"))),
    "external link to all layers": moved(h5py.ExternalLink("other.h5", "layers")),
    "soft link to a variable": replaced(lambda group, _: group.__setitem__("0", h5py.SoftLink("/layers/dense_1/vars/0"))),
    "soft link to all layers": moved(h5py.SoftLink("/elsewhere")),
    "external storage": replaced(lambda group, values: group.create_dataset("0", values.shape, "f4", external=[("/etc/passwd", 0, 9**9)])),
    "virtual": replaced(virtual),
    "a shape of 4 TB": replaced(lambda group, _: group.create_dataset("0", (2**20, 2**20), "f4", chunks=(1024, 1024))),
    "a shape of 8 EB": replaced(lambda group, _: group.create_dataset("0", (2**31, 2**30), "f4", chunks=(1024, 1024))),
    "another shape": replaced(lambda group, values: group.create_dataset("0", data=values.T)),
    "text": replaced(lambda group, values: group.create_dataset("0", data=np.full(values.shape, b"x"))),
    "NaN": replaced(lambda group, values: group.create_dataset("0", data=values * np.nan)),
    "infinite": replaced(lambda group, values: group.create_dataset("0", data=values + np.inf)),
    "a group": replaced(lambda group, _: group.create_group("0")),
    "no variable": replaced(lambda *_: None),
    "no layers": lambda file: file.__delitem__("layers"),
}


@pytest.mark.parametrize("name", HOSTILE_WEIGHTS)
def test_hostile_weights_are_refused_by_name(name: str, run: StoredRun, loader: ConfigLoader, outside: Path) -> None:
    evil = dataclasses.replace(run, weights=weights(HOSTILE_WEIGHTS[name], run))
    with pytest.raises(TrialbookError, match=f"run {run.run_id} cannot be used"):
        rebuild(evil, loader)


def whole_model(folder: Path, suffix: str) -> bytes:
    """A model whose Lambda layer writes a file when it is called."""
    written, file = str(folder / "x"), folder.parent / f"model{suffix}"
    model = keras.Sequential([keras.Input((8, 8)), keras.layers.Lambda(lambda x: (Path(written).touch(), x)[1]), keras.layers.Flatten()])
    model.save(file)
    Path(written).unlink()
    return file.read_bytes()


def archive(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as target:
        for name, text in files.items():
            target.writestr(name, text)
    return content.getvalue()


@pytest.mark.parametrize("kind", [".h5", ".keras", "a zip that leaves its folder", "empty", "text", "pickle"])
def test_what_are_no_weights_is_refused_by_name(kind: str, run: StoredRun, loader: ConfigLoader, outside: Path) -> None:
    made = {
        "a zip that leaves its folder": lambda: archive(**{f"../../../../{outside}/x": b"x", str(outside / "y"): b"y"}),
        "empty": lambda: b"",
        "text": lambda: b"<html>not found</html>",
        "pickle": lambda: b"cos\nsystem\n(S'touch " + str(outside / "x").encode() + b"'\ntR.",
    }
    content = made[kind]() if kind in made else whole_model(outside, kind)
    with pytest.raises(TrialbookError, match=f"run {run.run_id} cannot be used"):
        rebuild(dataclasses.replace(run, weights=content), loader)


CALLBACK = "'training.callbacks=[{_target_: keras.callbacks.%s}]'"
HOSTILE_OVERRIDES = [
    "hydra.run.dir=OUT",
    "hydra.sweep.dir=OUT",
    "hydra.mode=MULTIRUN",
    "hydra.searchpath=[file://OUT]",
    "'+hydra.callbacks.x={_target_: os.system, command: touch OUT/x}'",
    "hydra/launcher=basic",
    "--config-dir=OUT",
    "-m",
    "tracking.uri=http://127.0.0.1:9",
    "tracking.experiment=../x",
    "executor=ray executor.address=127.0.0.1:9",
    "oracle=bayesian",
    "sweeps=dropout",
    "promotion=none",
    "resume=../../x",
    "dry_run=true",
    "note=x",
    "model._target_=os.system +model.command='touch OUT/x'",
    "model._target_=src.models.two_layer.keras.models.load_model",
    "'+model.x=${oc.env:HOME}'",
    "'+model.x=\"${oc.env:HOME}\"'",
    "'data.path=${oc.env:HOME}' data=npz",
    "data=npz data.path=/etc/passwd",
    "data=npz data.path=/dev/zero",
    "data=../../../etc/passwd",
    "model=/etc/passwd",
    "'+data.x={_target_: src.datasets.fetch._run, command: [touch, OUT/x], folder: OUT}'",
    "'+data.x={_target_: src.datasets.fetch.from_debian}'",
    "'+optimizer.x={_target_: src.files.write, target: OUT/x, content: x}'",
    "'optimizer.learning_rate={_target_: keras.optimizers.schedules.deserialize, config: {}}'",
    "'training.callbacks=[{_target_: builtins.exec}]'",
    CALLBACK % "CSVLogger, filename: OUT/x",
    CALLBACK % "ModelCheckpoint, filepath: OUT/x.keras",
    CALLBACK % "BackupAndRestore, backup_dir: OUT",
    CALLBACK % "TensorBoard, log_dir: OUT",
    CALLBACK % "RemoteMonitor, root: 'http://127.0.0.1:9'",
    "'training.callbacks=[{filename: OUT/x}]'",
    "'training.metrics=[accuracy,{name: x, class_name: Lambda, module: keras.layers, config: {}}]'",
    "'training.metrics=[accuracy,{module: os}]'",
    "+model._partial_=true",
    "'+model._args_=[1]'",
    "'+model.x=\\${oc.env:HOME}'",
    "~model",
    "'unclosed",
    "model.units=1,2",
    "model.units=-1",
    "objective=../x",
]


@pytest.mark.parametrize("words", HOSTILE_OVERRIDES)
def test_hostile_overrides_are_refused_by_name(words: str, run: StoredRun, loader: ConfigLoader, outside: Path) -> None:
    evil = dataclasses.replace(run, overrides=f"{run.overrides} {words.replace('OUT', str(outside))}")
    with pytest.raises(TrialbookError, match=f"run {run.run_id} cannot be used") as told:
        rebuild(evil, loader)
    assert str(Path.home()) not in str(told.value) or "expected" in str(told.value)


def test_a_run_of_other_data_is_refused(run: StoredRun, loader: ConfigLoader) -> None:
    with pytest.raises(TrialbookError, match="it says data=fashion_mnist, its overrides say data=digits"):
        replay(dataclasses.replace(run, data="fashion_mnist"), loader)


def test_harmless_overrides_still_pass(run: StoredRun, loader: ConfigLoader) -> None:
    words = (
        "'training.callbacks=[{_target_: keras.callbacks.ReduceLROnPlateau}]' 'optimizer.learning_rate=1e-3' seed=3 +optimizer.clipnorm=1"
    )
    assert replay(dataclasses.replace(run, overrides=f"{run.overrides} {words}"), loader)[1]["seed"] == 3


@pytest.mark.parametrize("verb", [promote, reproduce])
def test_the_verbs_replay_nothing_hostile(
    verb: object,
    kept: tuple[str, str, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    outside: Path,
) -> None:
    uri, run_id, _ = kept
    client = MlflowClient(uri)
    before = client.get_run(run_id).data.tags["trialbook.overrides"]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setattr("sys.argv", ["verb", f"run={run_id}"])
    client.set_tag(run_id, "trialbook.overrides", f"{before} {shlex.quote(f'hydra.run.dir={outside}')}")
    try:
        with pytest.raises(SystemExit) as end:
            verb.main()
    finally:
        client.set_tag(run_id, "trialbook.overrides", before)
    said = capsys.readouterr().err
    assert end.value.code == 2 and f"run {run_id} cannot be used: hydra.run.dir={outside} is no part of a trial" in said


@pytest.mark.parametrize("text", ["!!python/object/apply:os.system ['touch OUT/x']", "[1, 2", "seed: ${oc.env:HOME}", "\udcff", "- 1"])
def test_a_hostile_config_is_compared_and_never_executed(
    text: str, kept: tuple[str, str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], outside: Path
) -> None:
    uri, run_id, folder = kept
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setattr("sys.argv", ["compare", f"runs={run_id},{run_id}"])
    config = folder / "config.yaml"
    config.write_text(text.replace("OUT", str(outside)), errors="surrogateescape")
    try:
        compare.main()
    except SystemExit as end:
        assert end.code == 2
    finally:
        config.unlink()
    said = "".join(capsys.readouterr())
    assert ("the same in both" in said or f"runs={run_id}" in said) and str(Path.home()) not in said and "Traceback" not in said
