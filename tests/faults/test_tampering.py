"""Files that were flipped, truncated or swapped: found, never used, and fetched again where they can be.

300 random flips of one bit, 30 truncations and a swap with another whole file of the same kind, of each kind of file.
"""

import gzip
import hashlib
import io
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from mlflow import MlflowClient

from src import predict, promote, reproduce, trial
from src.datasets import fashion_mnist, npz
from src.errors import DataError, TrialbookError
from src.tracking.runs import Runs
from src.training.checkpoint import Checkpoint
from tests.faults.conftest import trained

FLIPS, CUTS = 300, 30
LABELS = "train-labels-idx1-ubyte.gz"
SETTINGS = {"task": "classes", "validation_split": 0.2, "split_seed": 42}


def damaged(content: bytes, flips: int = FLIPS) -> Iterator[bytes]:
    """The content with one random bit flipped, again and again, and cut off at random."""
    chosen = random.Random(len(content))
    for _ in range(flips):
        place = chosen.randrange(len(content) * 8)
        yield content[: place // 8] + bytes([content[place // 8] ^ 1 << place % 8]) + content[place // 8 + 1 :]
    for _ in range(CUTS):
        yield content[: chosen.randrange(len(content))]


def judged(read: Callable[[bytes], str], content: bytes, *others: bytes) -> Counter:
    """What `read` says of each damaged content: found, harmless (what is read is the same), or used."""
    counts = Counter(read(one) for one in (*damaged(content), *others))
    print(f"{dict(counts)} of {FLIPS} flips, {CUTS} truncations, {len(others)} swaps")
    assert counts["used"] == 0 and counts.total() == FLIPS + CUTS + len(others)
    return counts


def idx(values: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, values.ndim]) + b"".join(size.to_bytes(4, "big") for size in values.shape)
    return gzip.compress(header + values.tobytes(), mtime=0)


def test_a_damaged_data_set_is_found_and_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.random.default_rng(0).integers(0, 10, 2000, dtype=np.uint8)
    good, fetched = idx(labels), []

    def download(address: str, timeout: float) -> io.BytesIO:
        fetched.append(address)
        return io.BytesIO(good)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(fashion_mnist, "SYSTEM", tmp_path / "system")
    monkeypatch.setattr(fashion_mnist, "DIGESTS", {LABELS: hashlib.sha256(gzip.decompress(good)).hexdigest()})
    monkeypatch.setattr(fashion_mnist.urllib.request, "urlopen", download)
    file = fashion_mnist.cache() / LABELS
    file.parent.mkdir(parents=True)

    def read(content: bytes) -> str:
        file.write_bytes(content)
        fetched.clear()
        if not np.array_equal(fashion_mnist._read(LABELS, None), labels):
            return "used"
        if fetched:
            assert file.read_bytes() == good
        return "found" if fetched else "harmless"

    assert judged(read, good, idx(labels[::-1]), b"")["harmless"] < 20, "the time, the system and the like in gzip's header"


def test_a_damaged_file_of_the_users_is_found(tmp_path: Path) -> None:
    values = np.random.default_rng(0)
    arrays = {"x_train": values.random((30, 4, 4), np.float32), "y_train": np.arange(30) % 3, "class_names": np.array(["a", "b", "c"])}
    arrays |= {"x_test": arrays["x_train"][:9] / 2, "y_test": arrays["y_train"][:9]}
    file = tmp_path / "own.npz"
    np.savez(file, **arrays)
    load = partial(npz.load, path=str(file), **SETTINGS)

    def seen() -> tuple:
        data = load()
        return data.digest, data.task.names, [array.tobytes() for array in data.test()]

    content, right = file.read_bytes(), seen()

    def read(content: bytes) -> str:
        file.write_bytes(content)
        try:
            return "harmless" if seen() == right else "used"
        except DataError as error:
            assert str(file) in str(error)
            return "found"

    assert judged(read, content)["found"] > 200, "a swapped one is found only by the digest that a run records: it has no published one"


def test_a_damaged_checkpoint_is_never_gone_on_from(caplog: pytest.LogCaptureFixture) -> None:
    values = np.random.default_rng(0)
    now = {"kernel": values.random((64, 8), np.float32), "bias": values.random(8, np.float32), "steps": np.array(3)}
    content = Checkpoint({"loss": [1.0, 0.5]}, now, 1, {name: array + 1 for name, array in now.items()}).to_bytes()

    def read(content: bytes) -> str:
        return "used" if trial._checkpoint({"training": {"callbacks": []}}, Path(), content) else "found"

    assert read(content) == "used"
    buffer = io.BytesIO()
    np.savez(buffer, **now)
    assert judged(read, content, buffer.getvalue())["found"] == FLIPS + CUTS + 1
    assert "starts anew: its checkpoint is damaged" in caplog.text


@pytest.mark.parametrize("name", ["model.weights.h5", "model.h5"])
def test_a_damaged_model_is_never_read(kept: tuple[str, str, Path], name: str, tmp_path: Path) -> None:
    uri, run_id, folder = kept
    runs, file = Runs(uri), shutil.copytree(folder, tmp_path / "artifacts") / name
    found = runs.client.get_run(run_id)  # 300 times from the database would take as long as all the rest
    stored = {"get_run": found, "get_experiment": runs.client.get_experiment(found.info.experiment_id)}
    calls = {name: lambda _, value=value: value for name, value in stored.items()}
    runs.client = SimpleNamespace(**calls, download_artifacts=lambda _, name, __: file.parent / name)

    def read(content: bytes) -> str:
        file.write_bytes(content)
        try:
            runs.read(run_id)
        except TrialbookError as error:
            assert run_id in str(error) and f"{name} was changed: SHA-256" in str(error)
            return "found"
        return "used"

    content, other = file.read_bytes(), trained(seed=1)[1].files[name]
    assert read(content) == "used"
    assert judged(read, content, other, b"")["found"] == FLIPS + CUTS + 2


@pytest.mark.parametrize("verb", [promote, predict, reproduce])
def test_every_verb_refuses_a_damaged_model_by_name(
    kept: tuple[str, str, Path], verb: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uri, run_id, folder = kept
    client = MlflowClient(uri)
    if verb is predict:
        client.create_registered_model("digits")
        client.create_model_version("digits", f"runs:/{run_id}/champion", run_id)
        client.set_registered_model_alias("digits", "champion", "1")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setattr("sys.argv", ["verb", *(["image=x.png", "model=digits"] if verb is predict else [f"run={run_id}"])])
    file = folder / "model.weights.h5"
    content = file.read_bytes()
    try:
        file.write_bytes(next(damaged(content)))
        with pytest.raises(SystemExit) as end:
            verb.main()
    finally:
        file.write_bytes(content)
        if verb is predict:
            client.delete_registered_model("digits")
    said = "".join(capsys.readouterr())
    assert end.value.code == 2 and f"run {run_id}: model.weights.h5 was changed" in said and "Traceback" not in said
