"""Converts names of hyperparameters in other tools into Python names."""

import keyword
import re

from src.models import NOT_ARGUMENTS
from src.models.interface import FROM_DATA


def argument(name: str) -> str:
    """Returns the Python argument, and the key in conf/, for the name of a hyperparameter.

    >>> [argument(name) for name in ("units", "dense 1/units", "1st", "lambda", "data", "engine")]
    ['units', 'dense_1_units', '_1st', 'lambda_', 'data_', 'engine_']
    """
    found = re.sub(r"\W", "_", name, flags=re.ASCII)
    if found[:1].isdigit():
        found = f"_{found}"
    return f"{found}_" if keyword.iskeyword(found) or found in (*NOT_ARGUMENTS, *FROM_DATA, "defaults") else found
