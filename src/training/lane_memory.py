"""Estimates how much memory a trial takes as a lane of a stack."""

import math

import keras

from src.datasets import Dataset
from src.training import Schedule, state, validation_batch

BYTES = 4  # of a number
COPIES = 5  # of its state: in the trial's model, in the stack, as input and as output of a program, and the gradients
PASSES = 3  # arrays as large as all outputs for a batch: the outputs, their gradients, and intermediate results


def bytes_of(model: keras.Model, data: Dataset, schedule: Schedule) -> int:
    """Returns an estimate of the bytes that a lane takes on its device."""
    held: int = sum(math.prod(variable.shape) for variable in state.of(model).values())
    outputs: int = sum(validation_batch.sizes(model, data.batch(data.train_index[:1])[0]))
    examples = max(schedule.batch_size, schedule.validation_batch)
    return BYTES * (COPIES * held + PASSES * examples * outputs)
