"""Limits of what is known of a trial before it trains: `limits: {model/parameters: 1e6}`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from src.config.paths import nested
from src.errors import did_you_mean

if TYPE_CHECKING:
    from src.config.request import Request

KNOWN = ("model/parameters",)  # metrics of a trial that do not depend on its training
NODE, EXAMPLE = "limits", "limits={model/parameters:1e6}"


def mistakes(request: "Request", options: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Finds limits of what is not known, that are no numbers, and of functions, of which nothing is known before they return."""
    origin, value = f"conf/config.yaml: {NODE}", request.catalog.top.get(NODE) or nested(request.catalog.top, NODE) or None
    for one in (one for one in request.assignments if one.key == NODE and one.values):
        origin, value = one.origin, one.values[0]
    if value is None:
        return
    if not isinstance(value, dict) or not value:
        yield f"{origin}: {value!r}, where {NODE} is null or a mapping, such as {EXAMPLE}."
        return
    for name, most in value.items():
        if name not in KNOWN:
            yield f"{origin}: there is no {name!r}{did_you_mean(str(name), KNOWN)} Known before a trial trains: {', '.join(KNOWN)}."
        if type(most) not in (int, float) or not most > 0:  # not of nan either
            yield f"{origin}: {most!r}, where {name} is a number above 0."
    [trial] = options["trial"]
    if "trial._target_" in request.catalog.keys("trial", trial):
        yield f"{origin}: {trial} is a function, of which nothing is known before it returns; expected none, or a test in the function."
