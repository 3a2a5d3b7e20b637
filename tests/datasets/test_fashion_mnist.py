"""The real files, which `make test` has fetched, and what happens to bad ones."""

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from src.config.paths import ROOT
from src.datasets import fashion_mnist, idx
from src.datasets.fashion_mnist import DIGESTS
from src.errors import DataError
from src.training.feed import ALIGNMENT

SETTINGS = {"validation_split": 0.2, "split_seed": 42}
REAL = fashion_mnist.cache()
LABELS = "train-labels-idx1-ubyte.gz"


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every place of the search is empty, and the download fails at once."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(fashion_mnist, "SYSTEM", tmp_path / "system")
    monkeypatch.setattr(fashion_mnist, "ADDRESS", "https://127.0.0.1:9")
    return tmp_path


def test_the_split_is_the_notebooks() -> None:
    data = fashion_mnist.load(folder=None, **SETTINGS)
    x, y = data.train
    assert x.shape == (48000, 28, 28) and data.validation[0].shape == (12000, 28, 28)
    assert y[:10].tolist() == [7, 3, 5, 8, 6, 9, 3, 3, 9, 9]
    assert data.y[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert np.bincount(data.y).tolist() == [6000] * 10
    assert data.test()[0].shape == (10000, 28, 28)


def test_the_pictures_are_decoded_once_and_mapped_by_all(nowhere: Path) -> None:
    decoded = fashion_mnist.load(folder=str(REAL), **SETTINGS).x
    file = nowhere / "cache" / "trialbook" / "fashion_mnist" / "train-images.float32"
    content = file.read_bytes()
    assert decoded.tobytes() == content and decoded.ctypes.data % ALIGNMENT == 0
    decoded[:] = 0
    assert file.read_bytes() == content, "whoever writes to them writes to a copy"
    file.write_bytes(content[:-1] + b"!")
    assert fashion_mnist.load(folder=str(REAL), **SETTINGS).x.tobytes() == content == file.read_bytes()


def test_a_cache_that_can_not_be_written_to_costs_time_alone(nowhere: Path) -> None:
    (nowhere / "cache").write_text("not a folder")
    assert fashion_mnist.load(folder=str(REAL), **SETTINGS).x.max() == 1


def test_nothing_found_lists_what_was_tried_and_the_command_that_helps(nowhere: Path) -> None:
    with pytest.raises(DataError) as told:
        fashion_mnist.load(folder=str(nowhere / "mine"), **SETTINGS)
    for place in ("mine", "cache", "keras", "system", "https://127.0.0.1:9", "make data"):
        assert place in str(told.value)


@pytest.mark.parametrize("damage", ["flip", "truncate", "swap", "empty"])
def test_a_bad_file_is_named_and_never_used(nowhere: Path, damage: str) -> None:
    content = bytearray(gzip.compress(bytes(60008)))
    if damage == "flip":
        content[len(content) // 2] ^= 1
    bad = {"truncate": content[:50], "empty": b""}.get(damage, content)
    (nowhere / "mine").mkdir()
    for name in DIGESTS:
        (nowhere / "mine" / name).write_bytes(bad)
    with pytest.raises(DataError, match=r"mine/train-images-idx3-ubyte\.gz") as told:
        fashion_mnist.load(folder=str(nowhere / "mine"), **SETTINGS)
    assert DIGESTS["train-images-idx3-ubyte.gz"] in str(told.value)


def test_a_bad_file_is_never_stored(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected"):
        idx.store(gzip.compress(b"other"), tmp_path / LABELS, DIGESTS[LABELS])
    assert not list(tmp_path.iterdir())


def test_two_processes_store_the_same_file_at_once(tmp_path: Path) -> None:
    code = (
        "import sys, gzip, hashlib; from pathlib import Path; from src.datasets import idx\n"
        "content = bytes(3_000_000); digest = hashlib.sha256(content).hexdigest()\n"
        "target = Path(sys.argv[1])\n"
        "for _ in range(20): idx.store(gzip.compress(content, 1), target, digest); idx._decompress(target.read_bytes(), digest, 'x')"
    )
    both = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "f.gz")], cwd=ROOT) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert [file.name for file in tmp_path.iterdir()] == ["f.gz"]
