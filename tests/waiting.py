"""Waits for what another process or thread does. Tests assert what is done; how long it takes depends on what else the machine does."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
PATIENCE = 300.0  # seconds; only what hangs takes so long


def until(condition: Callable[[], T], why: Callable[[], Any] = lambda: "") -> T:
    """Waits until a condition is true; its value.

    Args:
        why: what a failure shows.
    """
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"still not true after {PATIENCE:.0f} s: {why()}"
        time.sleep(0.05)
    return found
