from collections.abc import Callable

import pytest


@pytest.mark.parametrize("in_flight", [1, 3, 12])
def test_every_point_in_order_however_many_are_in_flight(in_flight: int, drive: Callable, space: Callable) -> None:
    """KerasTuner's grid has at most two trials in flight."""
    words = ("optimizer=sgd,adam", "optimizer.momentum=0.8,0.9", "model.units=8,16", "training.epochs=2")
    assert drive("grid", *words).run(in_flight=in_flight).points == list(space(*words).points())


def test_explicit_trials_in_their_order(drive: Callable, space: Callable) -> None:
    assert drive("grid", "sweeps=notebook").run().points == list(space("sweeps=notebook").points())
