"""Imports what local workers need into the process that they are forked from. It runs nothing, so nothing is lost in a fork."""

import gc
import importlib
from contextlib import suppress

from src.training import runtime

MODULES = ("src.sweep", "src.running.run", "src.training.compiled", "src.training.callbacks")  # first: the main module of the driver

with suppress(Exception):  # the worker reports the error: it imports the module again
    runtime.tensorflow()
    for name in MODULES:
        importlib.import_module(name)
gc.freeze()  # objects that are never collected stay in memory that the workers share
