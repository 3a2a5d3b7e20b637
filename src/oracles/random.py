"""Random search."""

import keras_tuner as kt

from src.oracles.base import KerasTunerOracle


class Random(KerasTunerOracle, kt.oracles.RandomSearchOracle):  # type: ignore[misc]
    """Draws `max_trials` random points, uniform in the logarithm on a logarithmic axis. In a finite space no point runs twice."""
