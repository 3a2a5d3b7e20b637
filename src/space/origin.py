"""The origin of a result: its data, code and packages. Results of different origins are never pooled."""

from collections.abc import Collection
from dataclasses import dataclass, fields

DIFFERS = "differs in"  # name of a table column
SHORT = 6  # characters of a SHA-256 that are shown


@dataclass(frozen=True)
class Origin:
    """The data, code and packages of a result. A field is empty if it was not recorded.

    The device is no part of it: another device changes the last digits, not what is measured.

    Attributes:
        configuration: True if the values of the configuration were recorded, not only its overrides.
        data: SHA-256 of the examples and their split.
        code: SHA-256 of the code; several, joined by "+", if a trial was continued with other code.
        packages: names and versions of the packages that a trial uses, "keras 3.12.0, numpy 2.3.4".
    """

    configuration: bool = False
    data: str = ""
    code: str = ""
    packages: str = ""


NOT_RECORDED = Origin()


def labels(origins: Collection[Origin], *, several: bool) -> dict[Origin, str]:
    """Returns for each origin a description of how it differs from the others; empty if nothing differs.

    Args:
        several: True if the origins belong to several sweeps, where fields that were not recorded may differ, too.

    >>> old, new = Origin(True, "91ab44f0", "3f2a1c00"), Origin(True, "91ab44f0", "77ab9000")
    >>> list(labels([old, new], several=False).values()), list(labels([old], several=True).values())
    (['code 3f2a1c…', 'code 77ab90…'], ['not known: packages'])
    """
    values_of = {field.name: {getattr(origin, field.name) for origin in origins} for field in fields(Origin)}
    differing = [name for name, values in values_of.items() if len(values) > 1 or (several and not all(values))]
    everywhere = set.intersection(*({*origin.packages.split(", ")} for origin in origins)) if origins else set()
    return {origin: _label(origin, differing, everywhere) for origin in origins}


def _label(origin: Origin, differing: list[str], everywhere: set[str]) -> str:
    parts = []
    for name in ("data", "code"):
        digests = getattr(origin, name)
        if name in differing and digests:
            parts.append(f"{name} {'+'.join(map(_short, digests.split('+')))}")
    if "packages" in differing and origin.packages:
        parts += [package for package in origin.packages.split(", ") if package not in everywhere]
    if unknown := [name for name in differing if not getattr(origin, name)]:
        parts.append(f"not known: {', '.join(unknown)}")
    return ", ".join(parts)


def _short(digest: str) -> str:
    return f"{digest[:SHORT]}…" if len(digest) > SHORT else digest
