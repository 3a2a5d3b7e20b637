"""Fits a table to the width of a terminal. Numbers are never broken; without a width, as on a pipe, a row is one line.

If a table is too wide, headers and texts wrap between words; then whole columns are left out, in the order of LEFT_OUT; then each row
becomes a list of all its cells.
"""

import itertools
import re
from collections.abc import Collection
from dataclasses import dataclass

from rich.cells import cell_len

LEFT_OUT = ("of", "disk", "when", "seconds", "last", "kept epoch", "ms", "MB", "repeats", "sweep", "state", "mean ± 95 %")
GAP = 2  # spaces between columns
WORDS = re.compile(r"(?<= )(?![kMG]B$)")  # a size and its unit stay together
IN_CELLS = re.compile(r"(?<=[=,/ ])")  # places where a long word of a cell may be broken, never within a number
IN_HEADERS = re.compile(r"(?<=[._ ])")
NUMBER = re.compile(r"-?\d+(-\d+|(\.\d*)?(e[-+]\d+)?)")
LONG = 30  # characters; a longer word of a cell is broken before a column is left out


def figure(value: float | None) -> str:
    """Formats a number for people: four decimals, or four significant digits if it is very small or large; None is empty.

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
        left_out: names of the columns that did not fit, in the order in which they were left out.
    """

    header: list[str]
    body: list[str]
    left_out: list[str]


def fitted(rows: list[dict[str, str]], width: int | None = None) -> Fitted:
    """Lays out rows that have the same columns. Columns that are empty in every row are dropped; the first column always stays.

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
    for name in LEFT_OUT:
        if name in columns[1:] and _total([least[name] for name in shown]) > width:
            shown.remove(name)
            left_out.append(name)
    if _total([least[name] for name in shown]) > width:
        return Fitted([], [line for row in rows for line in _as_list({name: row[name] for name in columns}, width)], [])
    sizes = {name: least[name] for name in shown}
    for name in sorted(shown, key=lambda name: widest[name] - least[name]):
        room = width - _total(sizes.values()) + sizes[name]
        if room >= widest[name] or any(len(text) > least[name] for text in cells[name]):  # a wider header alone is no gain
            sizes[name] = min(widest[name], room)
    return Fitted(*_laid_out({name: cells[name] for name in shown}, sizes), left_out)


def _as_list(row: dict[str, str], width: int) -> list[str]:
    first, *others = [_wrapped(f"{name} {text}", width - 2, IN_CELLS) for name, text in row.items() if text]
    return [*first, *(f"  {line}" for lines in others for line in lines)]


def _total(sizes: Collection[int]) -> int:
    return sum(sizes) + GAP * (len(sizes) - 1)


def _least(text: str, where: re.Pattern[str]) -> int:
    """Returns the width of the longest part that stays whole: a word, or a piece of a long word."""
    parts: list[str] = []
    for word in WORDS.split(text):
        parts += [word] if where is IN_CELLS and _size(word) <= LONG else where.split(word)
    return max(map(_size, parts))


def _size(text: str) -> int:
    return cell_len(text.rstrip(" "))


def _laid_out(cells: dict[str, list[str]], sizes: dict[str, int]) -> tuple[list[str], list[str]]:
    """Returns the lines of the header and of all rows. A column is aligned to the right if it has numbers, ranges of ranks or nothing."""
    widths = list(sizes.values())
    right = [all(not text or NUMBER.fullmatch(text) for text in texts) for texts in cells.values()]
    header = [_wrapped(name, width, IN_HEADERS) for name, width in zip(cells, widths, strict=True)]
    height = max(map(len, header), default=0)
    bottom = [[""] * (height - len(lines)) + lines for lines in header]
    body = []
    for row in zip(*cells.values(), strict=True):
        body += _beside([_wrapped(text, width, IN_CELLS) for text, width in zip(row, widths, strict=True)], widths, right)
    return _beside(bottom, widths, right), body


def _beside(parts: list[list[str]], widths: list[int], right: list[bool]) -> list[str]:
    """Joins cells, each a list of lines, into the lines of a row."""
    lines = []
    for texts in itertools.zip_longest(*parts, fillvalue=""):
        padded = [_padded(text, width, is_right) for text, width, is_right in zip(texts, widths, right, strict=True)]
        lines.append((" " * GAP).join(padded).rstrip())
    return lines


def _wrapped(text: str, width: int, where: re.Pattern[str]) -> list[str]:
    """Breaks a cell into lines between words; within a word only if the word is too long."""
    lines = [""]
    for word in WORDS.split(text):
        for piece in [word] if _size(word) <= width else where.split(word):
            if lines[-1] and _size(lines[-1] + piece) > width:
                lines.append("")
            lines[-1] += piece
    return [line.rstrip(" ") for line in lines]


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if right else text + space
