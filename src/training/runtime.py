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
    """Keeps the lines to itself that TensorFlow's C++ writes to stderr while loading, whatever the log level; not if it fails."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        except BaseException:
            said.seek(0)
            os.write(stderr, said.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


@cache
def tensorflow() -> Any:
    """Imports TensorFlow."""
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # of GPU memory only what is needed
    with quiet():
        import tensorflow
    for noisy in ("absl", "tensorflow"):  # the one warns of every .h5, the other of every new structure
        logging.getLogger(noisy).setLevel(logging.ERROR)
    return tensorflow


@cache
def configure(threads: int) -> None:
    """Prepares this process once; called again with the same number it does nothing.

    Args:
        threads: CPU threads of one operation and of operations side by side.

    Raises:
        TrialError: TensorFlow already runs with another number of threads, which it can not change.
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
    tf.config.experimental.enable_tensor_float_32_execution(False)  # a GPU's default, with 10 bits of mantissa
    gc.freeze()  # Keras collects garbage before every trial: 0.2 s if it looks at all that was imported


def device() -> str:
    """What trains here: the GPU's name, or "CPU"."""
    tf = tensorflow()
    gpus = tf.config.list_physical_devices("GPU")
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")) if gpus else "CPU"
