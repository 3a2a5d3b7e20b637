"""Mistakes in the points that a request lists: explicit trials, and points that an oracle runs first."""

import itertools
from collections import Counter
from collections.abc import Iterator

from src.config.request import Request


def mistakes(request: Request) -> Iterator[str]:
    """Yields keys with several values, links in known points, and lists that do not go together."""
    for point in (*request.trials, *request.first):
        for key, count in Counter(one.key for one in point).items():
            if count > 1:
                yield f"{' and '.join(one.origin for one in point if one.key == key)}: {key} is given {count} times; expected it once."
        for one in point:
            if one.swept:
                yield f"{one.origin}: several values; expected one, because a listed trial is one trial."
    for one in itertools.chain.from_iterable(request.first):
        if any("${" in str(value) for value in one.values):
            yield f"{one.origin}: a known point cannot take values of other keys; expected one without ${{…}}."
    if request.when and request.trials:
        place = request.trials[0][0].origin.partition(":")[0] if request.trials[0] else "trials"
        yield f"{place}: when has no effect on explicit trials; expected the keys in the trials themselves."
    if request.first and request.trials:
        yield "oracle.first: explicit trials run in the given order; expected the point as one of them."
