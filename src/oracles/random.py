"""Random search."""

import keras_tuner as kt

from src.oracles.base import Mended


class Random(Mended, kt.oracles.RandomSearchOracle):  # type: ignore[misc]
    """`max_trials` points drawn at random, by their logarithm where the axis says so; of a finite space each once."""
