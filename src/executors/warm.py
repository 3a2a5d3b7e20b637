"""Imports the modules of local workers into the process from which they are forked. It runs nothing, so nothing is lost in a fork."""

import gc
import importlib
from contextlib import suppress

from src.executors import forking
from src.training import runtime

MODULES = (*forking.DRIVER, "src.training.compiled", "src.training.callbacks")

with suppress(Exception):  # the worker reports the error: it imports the module again
    runtime.tensorflow()
    for name in MODULES:
        importlib.import_module(name)
gc.freeze()  # objects that are never collected stay in memory that the workers share
