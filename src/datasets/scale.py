"""The scale of examples: a model trained on pixels from 0 to 1 is meaningless for pixels from 0 to 255."""

from dataclasses import dataclass

import numpy as np

from src.datasets.dataset import Dataset

BEYOND = 10.0  # factor: an example whose reach differs by more from those of all training examples was scaled differently


@dataclass(frozen=True)
class Scale:
    """The smallest and the largest reach of a data set's examples. The reach of an example is its largest absolute value.

    Of n examples and a new one of the same kind, each is equally likely to have the largest reach. So the new one exceeds all others with
    a probability of 1 / (n + 1), and exceeds them tenfold even more rarely. An example that does, or whose reach is below a tenth of the
    smallest, was scaled differently or has other units: usual factors are 255, 100 and 1000. An example of zeros has no scale.
    """

    least: float
    largest: float

    @classmethod
    def of(cls, x: np.ndarray) -> "Scale":
        """Returns the scale of examples (n, …)."""
        reaches = _reaches(x)
        positive = reaches[reaches > 0]
        if not positive.size:
            return cls(0.0, 0.0)
        return cls(float(positive.min()), float(positive.max()))

    @classmethod
    def of_data(cls, data: Dataset) -> "Scale | None":
        """Returns the scale of a data set's inputs; None unless they are one array of numbers in memory."""
        if data.read or not isinstance(data.x, np.ndarray) or data.x.dtype.kind not in "iuf":
            return None
        return cls.of(data.x)

    def mistake(self, x: np.ndarray) -> str:
        """Returns why a model that was trained on this scale cannot judge examples (n, …); empty if it can."""
        reaches = _reaches(x)
        wrong = ~np.isfinite(reaches)
        if wrong.any():
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
    """Returns the largest absolute value of each example, shape (n,); NaN for an example that holds a NaN."""
    flat = x.reshape(len(x), -1)
    reaches: np.ndarray = np.maximum(flat.max(axis=1).astype(float), -flat.min(axis=1).astype(float))
    return reaches
