"""The scale of examples: a model that was trained on pixels from 0 to 1 says nothing about pixels from 0 to 255."""

from dataclasses import dataclass

import numpy as np

BEYOND = 10.0  # an example whose reach differs from all those of training by more than this factor was scaled otherwise


@dataclass(frozen=True)
class Scale:
    """The least and the largest reach of a data set's examples; an example's reach is the largest absolute value in it.

    Of n examples and a new one of the same kind, each is equally likely to have the largest reach, so that the new one exceeds
    all others with a probability of 1 / (n + 1), and tenfold even more rarely. An example that does, or that stays below a tenth
    of the least reach, was scaled otherwise, or is in other units: 255, 100 and 1000 are the usual factors. All zeros have no scale.
    """

    least: float
    largest: float

    @classmethod
    def of(cls, x: np.ndarray) -> "Scale":
        """The scale of examples (n, …)."""
        reaches = _reaches(x)
        some = reaches[reaches > 0]
        return cls(float(some.min()), float(some.max())) if some.size else cls(0.0, 0.0)

    def mistake(self, x: np.ndarray) -> str:
        """Why examples (n, …) can not be judged by a model of this scale; empty if they can."""
        reaches = _reaches(x)
        if (wrong := ~np.isfinite(reaches)).any():
            return f"{int(wrong.sum())} of {len(x)} inputs hold NaN or infinite values; expected finite numbers."
        wrong = (reaches > BEYOND * self.largest) | ((reaches > 0) & (reaches * BEYOND < self.least))
        if not wrong.any():
            return ""
        return (
            f"{int(wrong.sum())} of {len(x)} inputs are not scaled as in training: the largest absolute value of one is "
            f"{reaches[wrong][0]:.4g}, in training it was {self.least:.4g} to {self.largest:.4g}. "
            "Scale them as the training examples were, for example pixels from 0 to 255 by x / 255."
        )


def _reaches(x: np.ndarray) -> np.ndarray:
    """The largest absolute value of each example; NaN where one is NaN."""
    flat = x.reshape(len(x), -1)
    found: np.ndarray = np.maximum(flat.max(axis=1).astype(float), -flat.min(axis=1).astype(float))
    return found
