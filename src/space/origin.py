"""What a result comes from beside the values of its configuration: results that differ in it are never pooled."""

from collections.abc import Collection
from dataclasses import dataclass, fields

DIFFERS = "differs in"  # column of a table
SHORT = 6  # characters of a SHA-256, for people


@dataclass(frozen=True)
class Origin:
    """Empty is what was not recorded.

    Devices are no part of it: another one changes digits, not what is measured.

    Attributes:
        configuration: whether the values of the configuration were recorded; else its overrides must do.
        data: SHA-256 of the examples and their split.
        code: SHA-256 of the code; several of them, joined by a plus, where a trial went on with other code.
        packages: those whose code a trial runs, "keras 3.12.0, numpy 2.3.4".
    """

    configuration: bool = False
    data: str = ""
    code: str = ""
    packages: str = ""


NOT_RECORDED = Origin()


def labels(origins: Collection[Origin], *, several: bool) -> dict[Origin, str]:
    """In what each origin differs from the others, for people; empty where nothing differs.

    Args:
        several: they belong to several sweeps, so that what was not recorded may differ as well.

    >>> old, new = Origin(True, "91ab44f0", "3f2a1c00"), Origin(True, "91ab44f0", "77ab9000")
    >>> list(labels([old, new], several=False).values()), list(labels([old], several=True).values())
    (['code 3f2a1c…', 'code 77ab90…'], ['not known: packages'])
    """
    found = {field.name: {getattr(origin, field.name) for origin in origins} for field in fields(Origin)}
    kinds = [kind for kind, values in found.items() if len(values) > 1 or (several and not all(values))]
    everywhere = set.intersection(*({*origin.packages.split(", ")} for origin in origins)) if origins else set()
    return {origin: _label(origin, kinds, everywhere) for origin in origins}


def _label(origin: Origin, kinds: list[str], everywhere: set[str]) -> str:
    said = [f"{kind} {'+'.join(_short(one) for one in getattr(origin, kind).split('+'))}" for kind in kinds if kind in ("data", "code")]
    said = [text for text in said if not text.endswith(" ")]
    if "packages" in kinds and origin.packages:
        said += [part for part in origin.packages.split(", ") if part not in everywhere]
    unknown = [kind for kind in kinds if not getattr(origin, kind)]
    return ", ".join([*said, *([f"not known: {', '.join(unknown)}"] if unknown else [])])


def _short(digest: str) -> str:
    return f"{digest[:SHORT]}…" if len(digest) > SHORT else digest
