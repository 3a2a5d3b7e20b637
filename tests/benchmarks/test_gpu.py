"""The benchmark for a GPU at toy size: a part that ends, one that fails, and one that takes too long."""

import json
import sys

from tests.benchmarks import gpu, gpu_parts
from tests.benchmarks.gpu import Part


def test_a_part_that_fails_costs_only_itself_and_is_named() -> None:
    assert gpu.LIMITS.keys() == gpu_parts.PARTS.keys()
    lanes = gpu_parts.lanes("toy")
    assert {name for name in lanes if name.startswith("2 lanes")} and all(float(value) > 0 for value in lanes.values())
    parts = {
        "device": Part({"device": "CPU"}, 0.1),
        "trials per second by lanes": Part(lanes, 1.0),
        "Trialbook": gpu.run([sys.executable, "-c", """print('{"seconds": 2.0}')"""], 60),
        "Optuna *": gpu.run([sys.executable, "-c", f"""print('''{json.dumps({gpu.SCALED: 90.0, "trials run": 1})}''')"""], 60),
        "asha": gpu.run([sys.executable, "-c", "raise ValueError('no such lane')"], 60),
        "networks": gpu.run([sys.executable, "-c", """import time; print('{"recurrent": 3.0}', flush=True); time.sleep(60)"""], 1),
    }
    text = gpu.page("toy", parts)
    assert "| Optuna * | 90.0 | 45.0 x | 1 |" in text and "Toy size: it says nothing about speed" in text
    assert "## asha\n\nDid not end: exit code 1: ValueError: no such lane" in text
    assert "## networks\n\nDid not end: it took more than 1 s\n\n| what | measured |\n|---|---|\n| recurrent | 3 |" in text
