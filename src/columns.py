"""Fits a table to the width of a terminal. A number is never cut; on a pipe, without a width, a table has one line per row.

Where there is too little room, headers and texts wrap between words; then whole columns are left out, in the order of LEFT_OUT; and if the
others do not fit either, each row is a list of all its cells.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rich.cells import cell_len

LEFT_OUT = ("of", "disk", "when", "seconds", "last", "kept epoch", "ms", "MB", "repeats", "sweep", "state", "mean ± 95 %")
GAP = 2  # spaces between columns
WORDS = re.compile(r"(?<= )(?![kMG]B$)")  # a size and its unit stay together
IN_CELLS = re.compile(r"(?<=[=,/ ])")  # where a cell may be broken, never within a number
IN_HEADERS = re.compile(r"(?<=[._ ])")
NUMBER = re.compile(r"-?\d+(-\d+|(\.\d*)?(e[-+]\d+)?)")
LONG = 30  # characters of a word that is rather broken than that a column is left out


def figure(value: float | None) -> str:
    """A number as people read it: four decimals, or four digits that count where those would say nothing or are too long; None is empty.

    >>> figure(0.87654321), figure(0.0), figure(0.000032109), figure(-1.4780882e39)
    ('0.8765', '0.0000', '3.211e-05', '-1.478e+39')
    """
    if value is None:
        return ""
    return f"{value:.4f}" if not value or 1e-3 <= abs(value) < 1e7 else f"{value:.4g}"


@dataclass(frozen=True)
class Fitted:
    """A table as lines of text.

    Attributes:
        left_out: the columns for which the terminal is too narrow, the first one that went first.
    """

    header: list[str]
    body: list[str]
    left_out: list[str]


def fitted(rows: list[dict[str, str]], width: int | None = None) -> Fitted:
    """Lays out rows that have the same columns, without those that are empty in every row. The first column always stays.

    Args:
        width: of the terminal, in characters; None for no limit.
    """
    columns = [name for name in (rows[0] if rows else {}) if any(row[name] for row in rows)]
    cells = {name: [row[name] for row in rows] for name in columns}
    widest = {name: max(map(cell_len, [name, *cells[name]])) for name in columns}
    if width is None:
        return Fitted(*_laid_out(cells, widest), [])
    least = {name: max(_least(name, IN_HEADERS), *(_least(text, IN_CELLS) for text in cells[name])) for name in columns}
    shown, left_out = list(columns), list[str]()
    for name in (name for name in LEFT_OUT if name in columns[1:]):
        if _total(least[name] for name in shown) > width:
            shown.remove(name)
            left_out.append(name)
    if _total(least[name] for name in shown) > width:
        return Fitted([], [line for row in rows for line in _as_list({name: row[name] for name in columns}, width)], [])
    sizes = {name: least[name] for name in shown}
    for name in sorted(shown, key=lambda name: widest[name] - least[name]):
        room = width - _total(sizes.values()) + sizes[name]
        if room >= widest[name] or any(len(text) > least[name] for text in cells[name]):  # half a header more is no gain
            sizes[name] = min(widest[name], room)
    return Fitted(*_laid_out({name: cells[name] for name in shown}, sizes), left_out)


def _as_list(row: dict[str, str], width: int) -> list[str]:
    """The cells of a row below each other, all but the first one indented."""
    first, *others = [_wrapped(f"{name} {text}", width - 2, IN_CELLS) for name, text in row.items() if text]
    return [*first, *(f"  {line}" for lines in others for line in lines)]


def _total(sizes: Iterable[int]) -> int:
    found = list(sizes)
    return sum(found) + GAP * (len(found) - 1)


def _least(text: str, where: re.Pattern[str]) -> int:
    """The width of the longest part that stays whole: a word, or of a long word a piece."""
    parts = (part for word in WORDS.split(text) for part in ([word] if _size(word) <= LONG and where is IN_CELLS else where.split(word)))
    return max(map(_size, parts))


def _size(text: str) -> int:
    return cell_len(text.rstrip(" "))


def _laid_out(cells: dict[str, list[str]], sizes: dict[str, int]) -> tuple[list[str], list[str]]:
    """The lines of the header and of all rows; a column of numbers is aligned to the right."""
    right = {name: all(map(_is_number, texts)) for name, texts in cells.items()}
    header = _lines([_wrapped(name, sizes[name], IN_HEADERS) for name in cells], list(sizes.values()), list(right.values()), top=False)
    body = []
    for row in zip(*cells.values(), strict=True):
        parts = [_wrapped(text, size, IN_CELLS) for text, size in zip(row, sizes.values(), strict=True)]
        body += _lines(parts, list(sizes.values()), list(right.values()), top=True)
    return header, body


def _lines(parts: list[list[str]], sizes: list[int], right: list[bool], *, top: bool) -> list[str]:
    """The lines of cells that stand beside each other, at the top or at the bottom of the row."""
    height = max(map(len, parts), default=0)
    filled = [part + [""] * (height - len(part)) if top else [""] * (height - len(part)) + part for part in parts]
    return [(" " * GAP).join(map(_aligned, line, sizes, right)).rstrip() for line in zip(*filled, strict=True)]


def _wrapped(text: str, width: int, where: re.Pattern[str]) -> list[str]:
    """The lines of a cell: broken between words, and within a word only where it is too long."""
    lines = [""]
    for word in WORDS.split(text):
        for piece in [word] if _size(word) <= width else where.split(word):
            if lines[-1] and _size(lines[-1] + piece) > width:
                lines.append("")
            lines[-1] += piece
    return [line.rstrip(" ") for line in lines]


def _aligned(text: str, width: int, right: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if right else text + space


def _is_number(text: str) -> bool:
    """True if a cell is a number, a range of ranks, or empty."""
    return not text or bool(NUMBER.fullmatch(text))
