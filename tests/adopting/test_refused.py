"""Scripts that cannot be adopted: each is refused by name."""

from pathlib import Path

import pytest

from src.errors import ConfigError
from tests.adopting.helpers import BATCHES, HEAD, MAIN, MODEL, OF_BATCHES, SEARCH, TWO, script

pytestmark = pytest.mark.xdist_group("adopting")
ONE_HOT = MODEL.replace("sparse_", "") + "y = keras.utils.to_categorical(y, 3)\n"
OWN_TUNER = """
class Mine(kt.RandomSearch):
    def run_trial(self, trial, *args, **kwargs):
        kwargs["batch_size"] = trial.hyperparameters.Int("batch_size", 8, 32, step=8)
        return super().run_trial(trial, *args, **kwargs)
"""
REFUSED = {
    "a run_trial": (
        HEAD + MODEL + OWN_TUNER + SEARCH.replace("kt.RandomSearch", "Mine"),
        "Mine has a run_trial of its own; expected a HyperModel",
    ),
    "arguments": (HEAD + MODEL + MAIN.replace('"--trials", type=int, default=3', '"trials", type=int'), "It gets no arguments"),
    "a magic": ("%matplotlib inline\n" + HEAD + MODEL, "line 1: .*Expected the output of jupyter nbconvert"),
    "a generator": (HEAD + MODEL + SEARCH.replace("(x, y, ", "(iter([(x, y)]), "), "expected arrays, or a data set"),
    "objectives": (HEAD + MODEL + SEARCH.replace('"val_accuracy"', '["val_accuracy", "val_loss"]'), "2 objectives; expected one"),
    "shares of classes": (HEAD + ONE_HOT + "y = y * 0.9 + 0.1 / 3" + SEARCH, "rows that are shares of classes"),
    "smoothed labels": (
        HEAD + ONE_HOT.replace('"categorical_crossentropy"', "keras.losses.CategoricalCrossentropy(label_smoothing=0.1)") + SEARCH,
        "smooths one-hot labels",
    ),
    "a metric of one-hot labels": (
        HEAD + ONE_HOT.replace('"accuracy"', 'keras.metrics.AUC(name="auc")') + SEARCH,
        "metric auc takes one-hot labels",
    ),
    "inputs without names": (
        HEAD + TWO.replace(', name="a"', "") + SEARCH.replace("(x, y", "([x, x], y"),
        "2 inputs; expected a name for each",
    ),
    "several outputs": (HEAD + MODEL + SEARCH.replace("(x, y", "(x, {'a': y}"), "several outputs"),
    "batches of several outputs": (
        HEAD + MODEL + BATCHES + OF_BATCHES.replace("DATA", "data.map(lambda x, y: (x, (y, tf.one_hot(y, 3)))).batch(16)", 1),
        "several outputs",
    ),
    "several losses": (HEAD + MODEL.replace('"sparse_categorical_crossentropy"', '{"dense": "mse"}') + SEARCH, "several losses"),
    "no end": (HEAD + MODEL + BATCHES + OF_BATCHES.replace("DATA", "data.batch(16).repeat()"), "without end"),
    "no end known": (
        HEAD + MODEL + BATCHES + OF_BATCHES.replace("DATA, ", "data.batch(16).repeat().filter(lambda *_: True), steps_per_epoch=2, "),
        "without end",
    ),
    "no batches": (HEAD + MODEL + BATCHES + OF_BATCHES.replace("DATA", "data"), "not in batches"),
    "augmented": (
        HEAD
        + MODEL
        + BATCHES
        + OF_BATCHES.replace(
            "DATA", "data.map(lambda a, b: (tf.numpy_function(lambda a: a + rng.random(6, np.float32), [a], tf.float32), b)).batch(8)"
        ),
        "differ from one pass to the next",
    ),
    "the place of the script": (
        HEAD + "PLACE = __file__\n" + MODEL.replace("    model =", "    assert PLACE\n    model =") + SEARCH,
        "needs __file__",
    ),
    "one key for two": (
        HEAD + MODEL.replace("step=4)", 'step=4) + hp.Int("Units-1", 1, 2) + hp.Int("Units 1", 1, 2)') + SEARCH,
        "'Units-1': another one gets the same key",
    ),
    "fractions as classes": (HEAD + MODEL + "y = y + 0.5" + SEARCH, "expected whole numbers"),
    "a model that fails": (
        HEAD + MODEL.replace("    model =", "    1 / 0\n    model =") + SEARCH,
        r"ZeroDivisionError: division by zero  \(.*search.py:10\)",
    ),
    "logits of two classes": (
        HEAD
        + MODEL.replace('"sparse_categorical_crossentropy"', "keras.losses.BinaryCrossentropy(from_logits=True)").replace(
            "Dense(3", "Dense(1"
        )
        + "y = y % 2"
        + SEARCH,
        "gives logits; expected a sigmoid",
    ),
    "a global policy": (
        HEAD + "keras.config.set_dtype_policy('mixed_float16')\n" + MODEL + SEARCH,
        "global mixed_float16; .*training.precision=",
    ),
    "nothing to search": (HEAD + MODEL.replace('hp.Int("units", 4, 12, step=4)', "4") + SEARCH, "no hyperparameter that varies"),
    "a sparse matrix": (HEAD + MODEL + "import scipy.sparse\nx = scipy.sparse.csr_matrix(x)" + SEARCH, "dtype object for 40 labels"),
    "other numbers of inputs and labels": (HEAD + MODEL + "y = y[:30]" + SEARCH, r"shape \(40, 6\).* for 30 labels"),
    "no model": (HEAD + "def build_model(hp):\n    return hp.Int('a', 1, 2)\n" + SEARCH, "gives int; expected a keras.Model"),
    "not compiled": (HEAD + MODEL.replace("    model.compile", "    # "), "not compiled; expected model.compile"),
    "scikit-learn": (
        HEAD
        + MODEL
        + SEARCH.replace(
            'kt.RandomSearch(build_model, "val_accuracy", 3)',
            "kt.SklearnTuner(kt.oracles.RandomSearchOracle(kt.Objective('score', 'max'), 3), build_model)",
        ),
        "searches models of scikit-learn",
    ),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_said_is_refused_by_name(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        script(tmp_path, text)
