"""Copies the rows of some lanes from the device, in one transfer per dtype."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from src.training.state import Values

Rows = Mapping[str, tf.Variable]  # name → one row per lane


def reader(blocks: Sequence[tuple[range, Rows]]) -> Callable[[Sequence[int]], dict[int, Values]]:
    """Returns a function that takes lanes and returns copies of their rows as arrays: lane → name → row.

    Args:
        blocks: lanes, and variables that have a row for each of them. A lane may be in several blocks.
    """

    @tf.function(input_signature=[tuple(tf.TensorSpec([None], tf.int32) for _ in blocks)])  # type: ignore[untyped-decorator]
    def gathered(chosen: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
        parts = defaultdict(list)
        for (_, rows), places in zip(blocks, chosen, strict=True):
            for variable in rows.values():
                parts[variable.dtype.name].append(tf.reshape(tf.gather(variable, places), [-1]))
        return {dtype: tf.concat(flat, 0) for dtype, flat in parts.items()}

    def read(lanes: Sequence[int]) -> dict[int, Values]:
        found: dict[int, Values] = {lane: {} for lane in lanes}
        if not lanes:
            return found
        own = [[lane for lane in lanes if lane in block] for block, _ in blocks]
        places = tuple(tf.constant([lane - block.start for lane in some], tf.int32) for (block, _), some in zip(blocks, own, strict=True))
        flat = {dtype: tensor.numpy() for dtype, tensor in gathered(places).items()}
        done = dict.fromkeys(flat, 0)  # dtype → how many of its numbers were copied
        for (_, rows), some in zip(blocks, own, strict=True):
            for name, variable in rows.items():
                dtype, shape = variable.dtype.name, (len(some), *variable.shape[1:])
                start = done[dtype]
                done[dtype] += int(np.prod(shape))
                for lane, row in zip(some, flat[dtype][start : done[dtype]].reshape(shape), strict=True):
                    found[lane][name] = row.copy()  # a view would keep the rows of all lanes in memory
        return found

    return read
