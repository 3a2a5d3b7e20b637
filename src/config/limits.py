"""Limits on metrics that are known before a trial trains: `limits: {model/parameters: 1e6}`."""

from collections.abc import Iterator

from src.config.paths import Options, nested
from src.config.request import Request
from src.errors import did_you_mean

KNOWN = ("model/parameters",)  # metrics of a trial that do not depend on its training
NODE, EXAMPLE = "limits", "limits={model/parameters:1e6}"


def mistakes(request: Request, options: Options) -> Iterator[str]:
    """Yields limits on other metrics, limits that are no numbers, and limits for functions, whose metrics are known only at their end."""
    origin, value = f"conf/config.yaml: {NODE}", request.catalog.top.get(NODE) or nested(request.catalog.top, NODE) or None
    for one in request.assignments:
        if one.key == NODE and one.values:
            origin, value = one.origin, one.values[0]
    if value is None:
        return
    if not isinstance(value, dict) or not value:
        yield f"{origin}: {NODE} is {value!r}; expected null or a mapping, such as {EXAMPLE}."
        return
    for name, most in value.items():
        if name not in KNOWN:
            yield f"{origin}: there is no {name!r}{did_you_mean(str(name), KNOWN)} Known before a trial trains: {', '.join(KNOWN)}."
        if type(most) not in (int, float) or not most > 0:  # not of nan either
            yield f"{origin}: {name} is {most!r}; expected a number above 0."
    for trial in options["trial"]:
        if "trial._target_" in request.catalog.keys("trial", trial):
            yield f"{origin}: {trial} is a function, whose metrics are known only when it returns; expected no limits, or a check in it."
