"""What the process imports that local workers are forked from: once, for all of them. It runs nothing, so nothing is lost in a fork."""

import gc
import importlib
from contextlib import suppress

from src.training import runtime

MODULES = ("src.running.run", "src.training.compiled", "src.training.callbacks")  # the first: every worker runs the driver's main module

with suppress(Exception):  # what is wrong the worker says, which imports it again
    runtime.tensorflow()
    for name in MODULES:
        importlib.import_module(name)
gc.freeze()  # what is never collected stays shared by the workers
