"""Scripts as people write them: what is found of each, and what is refused by name."""

import re
from pathlib import Path

import keras_tuner
import numpy as np
import pytest

from src.errors import ConfigError
from tests.adopting.helpers import BATCHES, HEAD, MAIN, MODEL, OF_BATCHES, SEARCH, TWO, arrays, of, question, script

pytestmark = pytest.mark.xdist_group("adopting")
DENSE = 'model = keras.Sequential([keras.Input((6,)), keras.layers.Dense({units}), keras.layers.Dense(3, activation="softmax")])'
COMPILE = 'model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])'
NET = f"""
class Net(kt.HyperModel):
    def __init__(self, width=4):
        super().__init__()
        self.width = width

    def build(self, hp):
        {DENSE.format(units='self.width + hp.Int("units", 1, 3)')}
        {COMPILE}
        return model
"""
FUNCTION = f"""
def build_model(hp, width=3):
    {DENSE.format(units='width * hp.Int("units", 4, 12, step=4)')}
    {COMPILE}
    return model
"""
WRITTEN = {
    "notebook": "get_ipython().system('pip install keras-tuner')\n" + HEAD + MODEL + "get_ipython().run_line_magic('cd', '..')\n" + SEARCH,
    "old name": (HEAD + MODEL + SEARCH).replace("import keras_tuner as kt", "import kerastuner as kt"),
    "from tuners": (HEAD + MODEL + SEARCH.replace("kt.", "")).replace(
        "import keras_tuner as kt", "from keras_tuner.tuners import RandomSearch"
    ),
    "deep import": HEAD + MODEL + "from keras_tuner.src.tuners.randomsearch import RandomSearch\n" + SEARCH.replace("kt.", ""),
    "tf.keras": (HEAD + MODEL + SEARCH).replace("import keras\n", "from tensorflow import keras\n"),
    "arguments": HEAD + MODEL + MAIN,
    "default argument": HEAD + FUNCTION + SEARCH,
    "partial": HEAD
    + "from functools import partial\n"
    + FUNCTION.replace("build_model", "make")
    + "build_model = partial(make, width=2)"
    + SEARCH,
    "lambda": HEAD + MODEL.replace("build_model", "make") + "build_model = lambda hp: make(hp)\n" + SEARCH,
    "instance": HEAD + NET.replace('"units", 1, 3', '"units", 4, 12, step=4') + "build_model = Net(width=0)" + SEARCH,
    "in a function": HEAD
    + MODEL
    + "def tune(n):\n    return kt.RandomSearch(build_model, 'val_accuracy', n)\n"
    + SEARCH.replace('kt.RandomSearch(build_model, "val_accuracy", 3)', "tune(3)"),
    "guarded": HEAD + MODEL + SEARCH.replace("tuner.search", "try:\n    tuner.search") + "except Exception as error:\n    print(error)\n",
    "talks": HEAD
    + MODEL
    + SEARCH.replace("tuner.s", "print(tuner.oracle, tuner.hypermodel)\ntuner.reload()\ntuner.search_space_summary()\ntuner.s"),
    "exits": "import sys\n" + HEAD + MODEL + "if len(sys.argv) < 2:\n    sys.exit('usage')\n" + SEARCH,
    "filled in a loop": HEAD
    + "STEPS = []\nfor i in range(3):\n    STEPS.append(i)\n"
    + MODEL.replace("    model =", "    assert len(STEPS) == 3\n    model =")
    + SEARCH,
    "tensors": HEAD + MODEL + "import tensorflow as tf\nx = tf.constant(x)\n" + SEARCH,
    "lists": HEAD + MODEL + SEARCH.replace("(x, y", "(x.tolist(), y.tolist()"),
    "tables": HEAD + MODEL + "import pandas as pd\nx, y = pd.DataFrame(x), pd.Series(y)\n" + SEARCH,
    "one callback": HEAD
    + MODEL
    + SEARCH.replace("epochs=2", "epochs=2, callbacks=keras.callbacks.EarlyStopping('val_accuracy', patience=7)"),
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_it_is_searched(text: str, tmp_path: Path) -> None:
    adoption = script(tmp_path, text)
    asked, found = question(adoption), arrays(adoption)
    assert asked["params"] == {"model.units": [4, 8, 12]} and asked["oracle"] == {"max_trials": 3}
    assert asked["training"] == {"epochs": 2, "batch_size": 32, "patience": 7 if "EarlyStopping" in text else None}
    assert found["x_train"].shape == (30, 6) and found["y_validation"].tolist() == [n % 3 for n in range(30, 40)]
    assert not adoption.left_out
    compile(of(adoption, "src/models"), "search.py", "exec")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (SEARCH.replace("build_model,", "lambda hp: build_model(hp),"), "line 15: a search of <lambda>; expected a name for it"),
        (
            "class Mine(kt.RandomSearch):\n    def on_epoch_end(self, *_):\n        pass\n"
            + SEARCH.replace("kt.R", "Mine or kt.R").replace("kt.RandomSearch", "0").replace("Mine or 0", "Mine"),
            "Mine.on_epoch_end: no sweep calls it",
        ),
        (
            SEARCH.replace("epochs=2", "epochs=2, callbacks=[keras.callbacks.EarlyStopping('val_loss', min_delta=0.1)]"),
            r"EarlyStopping\(min_delta=0.1\)|monitor='val_loss'",
        ),
        (SEARCH.replace("epochs=2", "epochs=2, callbacks=[keras.callbacks.TerminateOnNaN()]"), "callbacks: TerminateOnNaN"),
        (SEARCH.replace("epochs=2", "epochs=2, steps_per_epoch=1"), r"search\(steps_per_epoch=1\): it has no place"),
    ],
)
def test_what_is_left_out_is_told(text: str, line: str, tmp_path: Path) -> None:
    left_out = script(tmp_path, HEAD + MODEL + text).left_out
    assert left_out and all(re.search(line, one) for one in left_out), left_out


def test_an_instance_that_was_made_of_other_values_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"another width than Net\(\) has; expected a name"):
        script(tmp_path, HEAD + NET + SEARCH.replace("build_model", "Net(width=9)"), "Net")
    assert question(script(tmp_path, HEAD + NET + SEARCH.replace("build_model", "Net()"), "Net"))["params"] == {"model.units": [1, 2, 3]}


def test_weights_and_a_list_of_inputs_are_as_keras_takes_them(tmp_path: Path) -> None:
    words = "([x, x + 1], y, class_weight={0: 2.0, 1: 0.5}, sample_weight=np.arange(40), "
    found = arrays(script(tmp_path, HEAD + TWO + SEARCH.replace("(x, y, ", words).replace("val_accuracy", "val_loss")))
    np.testing.assert_array_equal(found["x_train/a"] + 1, found["x_train/b"])
    np.testing.assert_allclose(found["weight_train"], [number * (2.0, 0.5, 1.0)[number % 3] for number in range(30)])
    np.testing.assert_allclose(found["weight_validation"], np.arange(30, 40))


def test_examples_of_a_validation_set_weigh_one_where_training_alone_has_weights(tmp_path: Path) -> None:
    text = SEARCH.replace("validation_split=0.25", "validation_data=(x[:8], y[:8]), sample_weight=np.arange(40)")
    assert arrays(script(tmp_path, HEAD + MODEL + text))["weight_validation"].tolist() == [1] * 8


def test_pixels_are_not_scaled_twice_and_batches_are_read_to_their_end(tmp_path: Path) -> None:
    text = "x = (x * 255).astype('uint8')\n" + BATCHES + OF_BATCHES.replace("DATA", "data.shuffle(40, seed=1).batch(16)")
    adoption = script(tmp_path, HEAD + MODEL + text)
    found = arrays(adoption)
    assert found["x_train"].dtype == np.float32 and found["x_train"].max() > 200 and len(found["x_train"]) == 40
    assert found["x_validation"].tolist() != found["x_train"].tolist() and question(adoption)["training"]["batch_size"] == 16


@pytest.mark.parametrize(
    ("loss", "units", "y", "task"),
    [
        ("keras.losses.BinaryCrossentropy()", 1, "y % 2", "binary"),
        ("'binary_crossentropy'", 1, "(y % 2).astype('float32').reshape(-1, 1)", "binary"),
        ("'binary_crossentropy'", 6, "x", "numbers"),
        ("'binary_crossentropy'", 6, "np.round(x)", "labels"),
        ("keras.losses.SparseCategoricalCrossentropy(from_logits=True)", 3, "y.astype('float32')", "classes"),
        ("'mae'", 1, "x[:, 0]", "numbers"),
        ("'mse'", 3, "keras.utils.to_categorical(y)", "numbers"),
    ],
)
def test_the_loss_and_the_labels_tell_the_task(loss: str, units: int, y: str, task: str, tmp_path: Path) -> None:
    model = MODEL.replace('Dense(3, activation="softmax")', f"Dense({units})").replace('"sparse_categorical_crossentropy"', loss)
    adoption = script(tmp_path, HEAD + model + f"y = {y}\n" + SEARCH.replace("val_accuracy", "val_loss"))
    assert question(adoption)["data"]["task"] == task


def test_a_module_beside_the_script_is_named_with_the_place_where_it_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "beside_it.py").write_text("STEP = 4\n")
    text = HEAD + "from beside_it import STEP\n" + MODEL.replace("step=4", "step=STEP") + SEARCH
    assert script(tmp_path, text).left_out == [
        f"import beside_it: it lies beside the script, where a sweep does not look: PYTHONPATH={tmp_path} python -m src.sweep …"
    ]
    monkeypatch.chdir(tmp_path)
    assert not script(tmp_path, text).left_out


def test_no_tuner_stays_replaced(tmp_path: Path) -> None:
    before = [keras_tuner.RandomSearch.__init__, keras_tuner.Tuner.search, keras_tuner.Tuner.run_trial]
    script(tmp_path, HEAD + MODEL + SEARCH)
    assert before == [keras_tuner.RandomSearch.__init__, keras_tuner.Tuner.search, keras_tuner.Tuner.run_trial]
    assert not hasattr(keras_tuner.Tuner, "__getattr__")


def test_labels_of_positions_are_numbers_and_their_one_hot_rows_become_numbers(tmp_path: Path) -> None:
    model = MODEL.replace("Input((6,))", "Input((2, 3))")
    data = "x, y = x.reshape(40, 2, 3), np.stack([y, 2 - y], axis=1)\n"
    sparse = arrays(script(tmp_path, HEAD + data + model + SEARCH))["y_train"]
    assert sparse.tolist() == [[number % 3, 2 - number % 3] for number in range(30)]
    text = HEAD + data + model.replace("sparse_", "") + "y = keras.utils.to_categorical(y)\n" + SEARCH
    adoption = script(tmp_path, text)
    np.testing.assert_array_equal(arrays(adoption)["y_train"], sparse)
    assert "numbered=True" in of(adoption, "src/models")


@pytest.mark.parametrize(
    ("oracle", "kind", "settings"),
    [
        (
            "BayesianOptimizationOracle(objective=OBJECTIVE, max_trials=4, num_initial_points=2)",
            "bayesian",
            {"max_trials": 4, "initial_points": 2},
        ),
        ("HyperbandOracle(objective=OBJECTIVE, max_epochs=6, factor=2)", "hyperband", {"max_epochs": 6, "factor": 2, "iterations": 1}),
        ("RandomSearchOracle(objective=OBJECTIVE, max_trials=4)", "random", {"max_trials": 4}),
    ],
)
def test_a_tuner_with_an_oracle_is_that_oracle(oracle: str, kind: str, settings: dict[str, int], tmp_path: Path) -> None:
    tuner = f"kt.Tuner(oracle=kt.oracles.{oracle}, hypermodel=build_model)"
    text = "OBJECTIVE = kt.Objective('val_accuracy', 'max')\n" + SEARCH.replace('kt.RandomSearch(build_model, "val_accuracy", 3)', tuner)
    adoption = script(tmp_path, HEAD + MODEL + text)
    asked = question(adoption)
    assert asked["defaults"][-1] == {"override /oracle": kind} and asked["oracle"] == settings and asked["objective"] == "max:val_accuracy"
    assert len(adoption.left_out) == 1 and "oracle.seed= sets one" in adoption.left_out[0]


def test_a_model_of_a_class_of_its_own_is_looked_at_with_an_example(tmp_path: Path) -> None:
    own = """
class Net(keras.Model):
    def __init__(self, units):
        super().__init__()
        self.hidden, self.last = keras.layers.Dense(units), keras.layers.Dense(4, activation="softmax")

    def call(self, x):
        return self.last(self.hidden(x))

def build_model(hp):
    model = Net(hp.Int("units", 4, 12, step=4))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""
    adoption = script(tmp_path, HEAD + own + SEARCH)
    assert arrays(adoption)["class_names"].tolist() == ["0", "1", "2", "3"] and "class Net" in of(adoption, "src/models")


def test_a_function_within_another_is_told(tmp_path: Path) -> None:
    text = HEAD + "def main():\n" + "".join(f"    {line}\n" for line in (MODEL + SEARCH).splitlines()) + "main()\n"
    with pytest.raises(ConfigError, match="'build_model' is not at its top level"):
        script(tmp_path, text)
