"""Exit codes of every command, and the context manager that turns errors into them.

0 done · 1 a trial failed, or MLflow refused a record · 2 bad input, a store that does not answer, or a full disk · 3 refused by a gate ·
130 and 143 interrupted by Ctrl-C and SIGTERM; a sweep can go on.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from src.errors import TrialbookError
from src.redaction import printable

FAILED, BAD_INPUT, GATE_REFUSED, INTERRUPTED = 1, 2, 3, 130


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Prints a TrialbookError, an error of MLflow or an interruption in place of its traceback, and exits."""
    try:
        yield
    except TrialbookError as error:
        _exit(str(error), BAD_INPUT)
    except KeyboardInterrupt:
        _exit("interrupted", INTERRUPTED)
    except Exception as error:
        mlflow = sys.modules.get("mlflow.exceptions")  # importing it takes a second
        if not mlflow or not isinstance(error, mlflow.MlflowException):
            raise
        reason = str(error).partition("\n")[0]
        _exit(f"MLflow: {reason}. Expected a store that answers and may be written: python -m src.doctor", BAD_INPUT)


def _exit(text: str, code: int) -> None:
    print(printable(text), file=sys.stderr)  # noqa: T201  the one place where errors reach the terminal
    sys.exit(code)
