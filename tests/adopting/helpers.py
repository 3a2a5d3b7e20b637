"""Scripts of tests/adopting/scripts/ and shorter ones, adopted in this process; an overlay in which a warm command finds the files."""

import io
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from src.adopting.adoption import Adoption, adopt
from src.adopting.modules import name_of
from src.config.paths import CONF, ROOT

SCRIPTS = Path(__file__).parent / "scripts"
HEAD = """
import keras
import keras_tuner as kt
import numpy as np
rng = np.random.default_rng(0)
x, y = rng.random((40, 6)).astype("float32"), np.arange(40) % 3
"""
MODEL = """
def build_model(hp):
    layers = [keras.Input((6,)), keras.layers.Dense(hp.Int("units", 4, 12, step=4)), keras.layers.Dense(3, activation="softmax")]
    model = keras.Sequential(layers)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""
SEARCH = """
tuner = kt.RandomSearch(build_model, "val_accuracy", 3)
tuner.search(x, y, epochs=2, validation_split=0.25)
"""
MAIN = """
import argparse

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=3)
    tuner = kt.RandomSearch(build_model, "val_accuracy", parser.parse_args().trials)
    tuner.search(x, y, epochs=2, validation_split=0.25)

if __name__ == "__main__":
    main()
"""
TWO = """
def build_model(hp):
    a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
    hidden = keras.layers.Concatenate()([keras.layers.Dense(hp.Int("units", 4, 12, step=4))(a), b])
    model = keras.Model([a, b], keras.layers.Dense(3, activation="softmax")(hidden))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model
"""
BATCHES = "import tensorflow as tf\ndata = tf.data.Dataset.from_tensor_slices((x, y))\n"
OF_BATCHES = SEARCH.replace("(x, y, ", "(DATA, ").replace("validation_split=0.25", "validation_data=data.batch(16)")


@cache
def guide(target: str) -> Adoption:
    """FILE.py:NAME of scripts/ → what is to be written."""
    words = f"{SCRIPTS / target}"
    return adopt(words, name_of(words))


def script(folder: Path, text: str, target: str = "build_model", name: str = "search") -> Adoption:
    """Adopts a script of this text."""
    file = folder / f"{name}.py"
    file.write_text(text)
    return adopt(f"{file}:{target}", name)


def of(adoption: Adoption, place: str) -> str:
    """The text of the file below conf/model, src/models, src/training or sweeps."""
    [found] = [content for path, content in adoption.files.items() if path.is_relative_to(ROOT / place)]
    return found.decode()


def question(adoption: Adoption) -> dict[str, Any]:
    """The file of the sweep; its sweeper's params and when under these names."""
    content = yaml.safe_load(of(adoption, "sweeps"))
    hydra = content.pop("hydra")
    assert hydra["mode"] == "MULTIRUN"
    return content | {"params": hydra["sweeper"]["params"], "when": hydra["sweeper"].get("when", {})}


def arrays(adoption: Adoption) -> dict[str, np.ndarray]:
    """The data."""
    [content] = [content for path, content in adoption.files.items() if path.suffix == ".npz"]
    return dict(np.load(io.BytesIO(content)))


def overlay(adoption: Adoption, folder: Path) -> dict[str, str]:
    """Writes the files below a folder; returns the environment in which a warm command, typed in the folder, finds them."""
    added = folder / "added"
    if not added.exists():
        shutil.copytree(CONF, added / "conf")
    for path, content in adoption.files.items():
        place = folder / path
        if path.is_absolute():
            place = added / ("conf" if path.parent.name == "sweeps" else "") / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return {"TRIALBOOK_ADDED": str(added)}
