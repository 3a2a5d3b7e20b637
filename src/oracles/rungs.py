"""Rungs: pairs of (trials, epochs). The best trials of a rung go on to the next, from their checkpoints."""

from collections.abc import Sequence

EPOCHS = "training.epochs"
Rungs = Sequence[tuple[int, int]]


def total_epochs(rungs: Rungs) -> int:
    """Returns the epochs of all trials together; a trial that goes on trains only the difference to its earlier rung.

    >>> total_epochs([(9, 1), (3, 3), (1, 9)])
    21
    """
    before = [0, *(epochs for _, epochs in rungs)]
    return sum(trials * (epochs - earlier) for (trials, epochs), earlier in zip(rungs, before, strict=False))


def in_words(rungs: Rungs) -> str:
    """Returns a description of rungs for people.

    >>> in_words([(9, 1), (3, 3)])
    '9 of 1 epoch, then 3 of 3 epochs'
    """
    return ", then ".join(f"{trials} of {epochs} {'epochs' if epochs > 1 else 'epoch'}" for trials, epochs in rungs)
