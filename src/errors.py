"""The errors of Trialbook, and functions for their messages.

TrialbookError            the user can mend it: the message says what happened, what was expected and how to fix it
├── ConfigError           all mistakes of the command line, or of conf/ and sweeps/
├── DataError             a data set is missing, damaged or malformed
├── DiskFull              the disk has no room for a file; no half-written file is left, and the sweep can be resumed
├── TrialError            a trial cannot have a score (it ends FAILED); the sweep continues
│   └── BeyondLimit       a trial exceeds a limit before it trains (it ends INFEASIBLE)
├── Unreachable           MLflow does not answer now; messages to it wait in the study's outbox
└── Refused               MLflow refuses a part of a message; that part stays in the study's outbox

Stop                      not an error: raised by `check_stop` to end a trial early (KILLED)
└── Cancelled             ends a single trial: PRUNED with the score that it has, KILLED if it has none
"""

import difflib
import re
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any


class TrialbookError(Exception):
    """An error that the user can mend."""


class ConfigError(TrialbookError):
    """All mistakes of a configuration in one message.

    >>> str(ConfigError(["optimizer=adm: no such option"]))
    'Nothing was started, 1 mistake to mend:\\n  optimizer=adm: no such option'
    """

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = list(mistakes)
        count = f"{len(self.mistakes)} mistake{'s' if len(self.mistakes) > 1 else ''}"
        super().__init__("\n  ".join([f"Nothing was started, {count} to mend:", *self.mistakes]))

    def __reduce__(self) -> tuple[type, tuple[list[str]]]:
        """Pickles the mistakes, because the constructor takes them and not the message."""
        return type(self), (self.mistakes,)


class DataError(TrialbookError):
    """A data set that is missing, damaged or malformed."""


class DiskFull(TrialbookError):
    """A disk without room for a file."""


class TrialError(TrialbookError):
    """A trial that cannot have a score, for example because its loss is not finite."""


class BeyondLimit(TrialError):
    """A trial that exceeds a limit before it trains.

    Attributes:
        measured: metric → its value.
    """

    def __init__(self, message: str, measured: dict[str, float]) -> None:
        super().__init__(message)
        self.measured = measured

    def __reduce__(self) -> tuple[type, tuple[str, dict[str, float]]]:
        """Pickles the arguments of the constructor."""
        return type(self), (str(self), self.measured)


class Unreachable(TrialbookError):
    """A store that does not answer now, but may later."""


class Refused(TrialbookError):
    """A store that refuses a part of a message and has taken the rest.

    Attributes:
        left: payload of a message that adds the refused part to the run.
        run_id: the run that the message created, if it created one.
    """

    def __init__(self, why: str, left: dict[str, Any], run_id: str | None = None) -> None:
        super().__init__(why)
        self.left, self.run_id = left, run_id


class Stop(Exception):
    """Ends the running trial; its run becomes KILLED."""


class Cancelled(Stop):
    """Ends a single trial with the score that it has: a Keras trial at the end of its epoch, a function where it is raised."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Returns the end of a sentence: a hint to the most similar known word, or a full stop.

    >>> did_you_mean("adm", ["sgd", "adam"])
    "; did you mean 'adam'?"
    >>> did_you_mean("epochs", ["training.epochs"])
    "; did you mean 'training.epochs'?"
    >>> did_you_mean("xyz", ["sgd", "adam"])
    '.'
    """
    known = list(known)
    similar = difflib.get_close_matches(word, known, 1) or [path for path in known if path.endswith((f".{word}", f"/{word}"))]
    return f"; did you mean {similar[0]!r}?" if similar else "."


def raised_at(*errors: BaseException) -> str:
    """Returns the file and line where errors were raised: the last one outside of site-packages if there is one, else the last of all."""
    frames = [frame for error in errors for frame in traceback.extract_tb(error.__traceback__)]
    frame = next((frame for frame in reversed(frames) if "site-packages" not in frame.filename), frames[-1])
    return f"{frame.filename}:{frame.lineno}"


def first_words(error: BaseException) -> str:
    """Returns the line of an exception that has its reason, without the lines that Keras and TensorFlow put before it.

    >>> first_words(ValueError("Exception encountered when calling Layer.call().\\n\\n\\x1b[1mtoo deep\\x1b[0m\\n\\nArguments received: …"))
    'too deep'
    """
    lines = [line.strip() for line in re.sub(r"\x1b\[\d*m", "", str(error)).splitlines() if line.strip()]
    if lines[:1] == ["in user code:"]:  # TensorFlow shows the code that it traced first
        return lines[-1].partition("Error: ")[2] or lines[-1]
    return next((line for line in lines if not line.startswith("Exception encountered when calling")), "")


@contextmanager
def collecting(mistakes: list[str]) -> Iterator[None]:
    """Appends the mistakes of a ConfigError to a list, so that later checks still run."""
    try:
        yield
    except ConfigError as error:
        mistakes += error.mistakes
