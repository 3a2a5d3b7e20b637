"""Imports what local workers need into the process that they are forked from. It runs nothing, so nothing is lost in a fork."""

import gc
import importlib
from contextlib import suppress

from src.training import runtime

# The first two are what the driver's main module imports; that module itself would be run a second time, with a warning.
MODULES = ("src.config.command_line", "src.running.run", "src.training.compiled", "src.training.callbacks")

with suppress(Exception):  # the worker reports the error: it imports the module again
    runtime.tensorflow()
    for name in MODULES:
        importlib.import_module(name)
gc.freeze()  # objects that are never collected stay in memory that the workers share
