"""The errors of Trialbook, and the messages that they carry.

TrialbookError            the user can mend it: the message says what happened, what was expected and how to fix it
├── ConfigError           mistakes of the command line or of conf/ and sweeps/, all at once
├── DataError             a data set that is missing, damaged or malformed
├── DiskFull              there is no room for a file; no half-written file is left, and with room a sweep can continue
├── TrialError            this trial is infeasible (it ends FAILED); the sweep continues
│   └── BeyondLimit       it is so before it trains (it ends INFEASIBLE)
├── Unreachable           MLflow does not answer now; the messages to it wait in the study's outbox
└── Refused               MLflow refuses a part of a message; that part stays in the study's outbox

Stop                      not an error: raised by `check_stop` to end a trial early (KILLED)
└── Cancelled             ends one trial alone, with what it has: scored and PRUNED; KILLED if it has no score yet
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
    """There is no room for a file."""


class TrialError(TrialbookError):
    """A trial that cannot have a score, for example because its loss is not finite."""


class BeyondLimit(TrialError):
    """A trial that is beyond a limit before it trains.

    Attributes:
        measured: metric → its value.
    """

    def __init__(self, message: str, measured: dict[str, float]) -> None:
        super().__init__(message)
        self.measured = measured

    def __reduce__(self) -> tuple[type, tuple[str, dict[str, float]]]:
        """Pickles what the constructor takes."""
        return type(self), (str(self), self.measured)


class Unreachable(TrialbookError):
    """A store that does not answer now, but may later."""


class Refused(TrialbookError):
    """A store refuses a part of a message; it has the rest.

    Attributes:
        left: the payload of a message that adds that part to the run.
        run_id: the run that the message began, if it began one.
    """

    def __init__(self, why: str, left: dict[str, Any], run_id: str | None = None) -> None:
        super().__init__(why)
        self.left, self.run_id = left, run_id


class Stop(Exception):
    """Ends the running trial; its run becomes KILLED."""


class Cancelled(Stop):
    """Ends one running trial alone, scored with what it has: a Keras trial at the end of its epoch, a function where it is raised."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a sentence: a hint to the most similar known word, or a full stop.

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
    """The file and line where errors were raised, in the user's own files or ours if one of them was; the last of several counts."""
    frames = [frame for error in errors for frame in traceback.extract_tb(error.__traceback__)]
    frame = next((frame for frame in reversed(frames) if "site-packages" not in frame.filename), frames[-1])
    return f"{frame.filename}:{frame.lineno}"


def first_words(error: BaseException) -> str:
    """The line of an exception with its reason, without the lines that Keras and TensorFlow put before it.

    >>> first_words(ValueError("Exception encountered when calling Layer.call().\\n\\n\\x1b[1mtoo deep\\x1b[0m\\n\\nArguments received: …"))
    'too deep'
    """
    lines = [line.strip() for line in re.sub(r"\x1b\[\d*m", "", str(error)).splitlines() if line.strip()]
    if lines[:1] == ["in user code:"]:  # TensorFlow shows the code that it traced first
        return lines[-1].partition("Error: ")[2] or lines[-1]
    return next((line for line in lines if not line.startswith("Exception encountered when calling")), "")


@contextmanager
def collecting(mistakes: list[str]) -> Iterator[None]:
    """Adds the mistakes of a ConfigError to a list, so that later checks still run."""
    try:
        yield
    except ConfigError as error:
        mistakes += error.mistakes
