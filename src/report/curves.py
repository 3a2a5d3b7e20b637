"""Packs metrics per epoch for the page: one array of 32-bit floats, in base64."""

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from src.results.leaderboard import Standing, TrialResult
from src.study.store import Store

MOST_VALUES = 1_500_000  # values, which are 8 MB of text; with more, only every second, third, … epoch is packed


@dataclass(frozen=True)
class Curves:
    """The metrics per epoch of trials.

    Attributes:
        values: (sweep, number) of a trial → its values, shape (metrics, epochs); NaN if a metric is missing.
        first: (sweep, number) → its first epoch, which is not 1 if it continues another trial.
    """

    names: list[str]
    values: dict[tuple[str, int], np.ndarray]
    first: dict[tuple[str, int], int]

    @classmethod
    def read(cls, standing: Standing, stores: Sequence[Store]) -> "Curves":
        """Reads the metrics of all trials of a standing, in one pass."""
        wanted = {(trial.sweep, trial.number) for trial in standing.trials}
        rows: dict[tuple[str, int], list[dict[str, float]]] = {}
        first: dict[tuple[str, int], int] = {}
        names: dict[str, None] = {}
        for store in stores:
            sweep = store.meta().get("sweep_id", "")
            for number, epoch, metrics in store.epochs():
                key = sweep, number
                if key in wanted:
                    rows.setdefault(key, []).append(metrics)
                    first.setdefault(key, epoch)
                    names |= dict.fromkeys(metrics)
        values = {}
        with np.errstate(over="ignore"):  # numbers beyond 32 bits become infinite, and are not drawn
            for key, epochs in rows.items():
                values[key] = np.array([[metrics.get(name, math.nan) for metrics in epochs] for name in names], np.float32)
        return cls(list(names), values, first)

    def history(self, trial: TrialResult) -> dict[str, list[float]]:
        """Returns the complete metrics per epoch of a trial, for `advice`; empty if it continues another trial."""
        key = trial.sweep, trial.number
        if self.first.get(key) != 1:
            return {}
        return {name: row.tolist() for name, row in zip(self.names, self.values[key], strict=True) if not np.isnan(row).any()}

    def length(self, trial: TrialResult) -> int | None:
        """Returns the last epoch of a trial; None if it has no metrics."""
        key = trial.sweep, trial.number
        return self.first[key] + self.values[key].shape[1] - 1 if key in self.values else None

    def packed(self, trials: Sequence[TrialResult]) -> dict[str, Any]:
        """Packs curves for page/curves.js: trial after trial, and within a trial metric after metric.

        Returns:
            `lengths` and `first` have one number per trial; `step` is the distance between packed epochs.
        """
        found = [self.values.get((trial.sweep, trial.number), np.empty((len(self.names), 0), np.float32)) for trial in trials]
        step = max(1, math.ceil(sum(array.size for array in found) / MOST_VALUES))
        thinned = [array[:, ::step] for array in found]
        everything = np.concatenate([array.ravel() for array in thinned]) if thinned else np.empty(0, np.float32)
        return {
            "names": self.names,
            "step": step,
            "lengths": [array.shape[1] for array in thinned],
            "first": [self.first.get((trial.sweep, trial.number), 1) for trial in trials],
            "values": base64.b64encode(everything.astype("<f4").tobytes()).decode(),
        }
