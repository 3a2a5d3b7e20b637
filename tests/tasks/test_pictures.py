"""The pictures of each kind of task."""

from typing import Any

import numpy as np
import pytest

from src.tasks.numbers import Numbers
from tests.tasks.test_tasks import BOTH, COLORS, RIGHT, SIZES, SURE, TAGS, YES, Y

PNG = b"\x89PNG"


@pytest.mark.parametrize(
    ("task", "y", "predicted", "names"),
    [
        (COLORS, Y["classes"], SURE, {"confusion_matrix.png", "accuracy_per_class.png"}),
        (COLORS, RIGHT["positions"][1], np.stack([SURE, SURE], axis=1), {"confusion_matrix.png", "accuracy_per_class.png"}),
        (YES, Y["binary"], SURE[:, :1], {"confusion_matrix.png", "accuracy_per_class.png", "roc.png"}),
        (TAGS, Y["labels"], SURE[:, :2], {"roc.png"}),
        (SIZES, Y["numbers"], SURE[:, :2], {"residuals.png"}),
        (Numbers(), np.ones((3, 4, 4)), np.zeros((3, 4, 4)), {"reconstructions.png"}),
        (
            BOTH,
            {"color": Y["classes"], "size": Y["numbers"]},
            {"color": SURE, "size": SURE[:, :2]},
            {"color_confusion_matrix.png", "color_accuracy_per_class.png", "size_residuals.png"},
        ),
    ],
)
def test_each_task_draws_its_pictures(task: Any, y: Any, predicted: Any, names: set[str]) -> None:
    for x in (np.ones((3, 5), np.float32), None):
        found = task.pictures(x, task.encoded(y), predicted)
        assert set(found) == names and all(content.startswith(PNG) for content in found.values())


def test_pictures_of_pictures_show_them() -> None:
    x = np.random.default_rng(0).random((3, 8, 8))
    assert {"confidently_wrong.png", "examples.png"} < set(COLORS.pictures(x, Y["classes"], SURE))
