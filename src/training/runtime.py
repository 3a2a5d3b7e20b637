"""TensorFlow's process-wide settings: quiet, deterministic, a fixed number of threads, GPU memory as needed."""

import gc
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from src.errors import TrialError


@contextmanager
def quiet() -> Iterator[None]:
    """Hides lines that TensorFlow's C++ prints at any log level while loading, unless it fails."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as hidden:
        os.dup2(hidden.fileno(), 2)
        try:
            yield
        except BaseException:
            hidden.seek(0)
            os.write(stderr, hidden.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


@cache
def tensorflow() -> Any:
    """Imports TensorFlow."""
    with quiet():
        import tensorflow
    for noisy in ("absl", "tensorflow"):  # absl warns of every .h5, tensorflow of every new structure
        logging.getLogger(noisy).setLevel(logging.ERROR)
    return tensorflow


@cache
def configure(threads: int) -> None:
    """Prepares this process once; a second call with the same number does nothing.

    Args:
        threads: CPU threads within one operation, and between operations.

    Raises:
        TrialError: TensorFlow already runs with another number of threads, which it cannot change.
    """
    tf = tensorflow()
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError as error:
        running = tf.config.threading.get_intra_op_parallelism_threads()
        raise TrialError(
            f"training.threads={threads}, but this process runs with {running}; one sweep has one number of threads."
        ) from error
    tf.config.experimental.enable_op_determinism()
    tf.config.experimental.enable_tensor_float_32_execution(False)  # TF32, the default on a GPU, has only 10 bits of mantissa
    gc.freeze()  # Keras collects garbage before every trial, which takes 0.2 s if it includes all imported objects


def set_precision(training: dict[str, Any]) -> None:
    """Sets the precision of the layers that are made next, by a `training:` node."""
    import keras

    keras.config.set_dtype_policy(training.get("precision", "float32"))


def device() -> str:
    """Returns the name of the GPU that trains, or "CPU"."""
    tf = tensorflow()
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU"))
