"""The part of a script that a hypermodel, or a search, needs."""

import pytest

from src.adopting.slicing import needed, searching, statements

SCRIPT = """
from __future__ import annotations
import os
import numpy as np
SIZES = []
for i in range(3):
    SIZES.append(i)
x = np.arange(9)
print(x)
np.random.shuffle(x)
def clean(array):
    array.sort()
clean(x)
LIMITS = {}
LIMITS["low"] = 1
LIMITS.update(high=2)
def size():
    return max(SIZES)
def size():
    return min(SIZES)
def build_model(hp):
    os = 1
    return size() + LIMITS["low"]
def build_later(hp):
    return x
tuner = make(build_model)
tuner.fit(x)
def main():
    tuner.search(x)
if __name__ == "__main__":
    main()
tuner.search(x)
"""


def texts(*names: str) -> list[str]:
    return [one.text.splitlines()[0] for one in needed(statements(SCRIPT), names)]


def test_what_is_needed_comes_with_what_changes_it() -> None:
    assert texts("build_model") == [
        "SIZES = []",
        "for i in range(3):",
        "LIMITS = {}",
        'LIMITS["low"] = 1',
        "LIMITS.update(high=2)",
        "def size():",
        "def build_model(hp):",
    ]


def test_a_definition_is_left_out_if_a_later_one_replaces_it() -> None:
    [size] = [one.text for one in needed(statements(SCRIPT), ["size"]) if one.text.startswith("def size")]
    assert "min" in size
    between = SCRIPT.replace("def size():\n    return min", "FIRST = size()\ndef size():\n    return min")
    used = needed(statements(between), ["size", "FIRST"])
    assert sum(one.text.startswith("def size") for one in used) == 2, "a statement between them needs the first one"


def test_what_functions_may_do_to_their_arguments_is_kept_and_printing_is_not() -> None:
    assert texts("x") == ["import numpy as np", "x = np.arange(9)", "np.random.shuffle(x)", "def clean(array):", "clean(x)"]


def test_each_start_of_a_search_comes_with_what_it_needs_and_not_with_what_follows() -> None:
    parts = [[one.text.splitlines()[0] for one in part] for part in searching(statements(SCRIPT))]
    assert [part[-1] for part in parts] == ['if __name__ == "__main__":', "tuner.search(x)"]
    assert "tuner = make(build_model)" in parts[0] and "def main():" in parts[0] and "def build_later(hp):" not in parts[0]


def test_decorators_come_along() -> None:
    [one] = needed(statements("@keras.saving.register_keras_serializable()\nclass Own:\n    pass\n"), ["Own"])
    assert one.text.startswith("@keras.saving.register")


def test_what_is_no_python_is_an_error() -> None:
    with pytest.raises(SyntaxError):
        statements("%matplotlib inline\n")
