"""What can go wrong, and who is told.

TrialbookError            the user can mend it: the message says what happened, what was expected and how to fix it
├── ConfigError           mistakes of the command line or of conf/ and sweeps/, all at once
├── DataError             a data set that is missing, damaged or malformed
├── DiskFull              there is no room for a file; nothing half written is left, and after making room a sweep goes on
├── TrialError            this trial is infeasible (it ends FAILED); the sweep goes on
├── Unreachable           MLflow does not answer now; what it was told waits in the study's outbox
└── Refused               MLflow does not take a part of what it was told; that part stays in the study's outbox

Stop                      not an error: raised by `report` to end a trial early (KILLED)
"""

import difflib
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from src.redaction import shown


class TrialbookError(Exception):
    """Something the user can mend."""


class ConfigError(TrialbookError):
    """Mistakes of a configuration, told together.

    >>> str(ConfigError(["optimizer=adm: no such option"]))
    'Nothing was started, 1 mistake to mend:\\n  optimizer=adm: no such option'
    """

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = list(mistakes)
        count = f"{len(self.mistakes)} mistake{'s' if len(self.mistakes) > 1 else ''}"
        super().__init__("\n  ".join([f"Nothing was started, {count} to mend:", *self.mistakes]))

    def __reduce__(self) -> tuple[type, tuple[list[str]]]:
        """Pickled with what it was made of."""
        return type(self), (self.mistakes,)


class DataError(TrialbookError):
    """A data set that is missing, damaged or malformed."""


class DiskFull(TrialbookError):
    """There is no room for a file."""


class TrialError(TrialbookError):
    """A trial that cannot give a score, for example because its loss is not finite."""


class Unreachable(TrialbookError):
    """A store that does not answer now, and may later."""


class Refused(TrialbookError):
    """A part of a message that a store does not take; the store has the rest.

    Attributes:
        left: the payload of a message that adds that part to the run.
        run_id: of the run that the message began, if it did.
    """

    def __init__(self, why: str, left: dict[str, Any], run_id: str | None = None) -> None:
        super().__init__(why)
        self.left, self.run_id = left, run_id


class Stop(Exception):
    """Ends the running trial; its run becomes KILLED."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Ends a sentence: with a hint to the most similar known word, or with a full stop.

    >>> did_you_mean("adm", ["sgd", "adam"])
    "; did you mean 'adam'?"
    >>> did_you_mean("epochs", ["training.epochs"])
    "; did you mean 'training.epochs'?"
    >>> did_you_mean("xyz", ["sgd", "adam"])
    '.'
    """
    known = list(known)
    near = difflib.get_close_matches(word, known, 1) or [path for path in known if path.endswith((f".{word}", f"/{word}"))]
    return f"; did you mean {near[0]!r}?" if near else "."


def first_words(error: BaseException) -> str:
    """The line of an exception that says why, without what Keras and TensorFlow put before it.

    >>> first_words(ValueError("Exception encountered when calling Layer.call().\\n\\n\\x1b[1mtoo deep\\x1b[0m\\n\\nArguments received: …"))
    'too deep'
    """
    lines = [line.strip() for line in re.sub(r"\x1b\[\d*m", "", str(error)).splitlines() if line.strip()]
    if lines[:1] == ["in user code:"]:  # TensorFlow shows the code that it traced first
        return lines[-1].partition("Error: ")[2] or lines[-1]
    return next((line for line in lines if not line.startswith("Exception encountered when calling")), "")


@contextmanager
def collecting(mistakes: list[str]) -> Iterator[None]:
    """Adds the mistakes of a ConfigError to a list, so that the next ones are found too."""
    try:
        yield
    except ConfigError as error:
        mistakes += error.mistakes


@contextmanager
def told() -> Iterator[None]:
    """Prints instead of a traceback: a TrialbookError or MLflow's, exit code 2; an interruption outside of the trials, 130."""
    try:
        yield
    except TrialbookError as error:
        print(shown(str(error)), file=sys.stderr)  # noqa: T201  the one place where errors reach the terminal
        sys.exit(2)
    except Exception as error:
        mlflow = sys.modules.get("mlflow.exceptions")  # importing it takes a second
        if not mlflow or not isinstance(error, mlflow.MlflowException):
            raise
        said = str(error).partition("\n")[0]
        print(shown(f"MLflow: {said}. Expected a store that answers and may be written: python -m src.doctor"), file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)  # noqa: T201
        sys.exit(130)
