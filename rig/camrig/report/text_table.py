"""Tables as plain text: a head, a rule, and one line a row."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

GAP = "   "


def text_table(names: Sequence[str], rows: Sequence[Sequence[str]], texts: Sequence[str]) -> str:
    """The table below an empty line. Columns with names among ``texts`` are flush left, others flush right.

    Nothing is cut off, however wide that makes the table.
    """
    widths = [max(map(_width, column)) for column in zip(names, *rows, strict=True)]
    rule = "─" * (sum(widths) + len(GAP) * (len(widths) - 1))
    lines = [_line(row, widths, [name in texts for name in names]) for row in (names, *rows)]
    return "\n".join(["", lines[0], f" {rule}", *lines[1:]])


def _line(cells: Sequence[str], widths: Sequence[int], left: Sequence[bool]) -> str:
    padded = []
    for cell, width, is_text in zip(cells, widths, left, strict=True):
        padding = " " * (width - _width(cell))
        padded.append(cell + padding if is_text else padding + cell)
    return f" {GAP.join(padded)}".rstrip()


def _width(text: str) -> int:
    """The columns that ``text`` takes on a terminal."""
    if text.isascii():
        return len(text)
    marks = sum(unicodedata.combining(letter) > 0 for letter in text)
    return len(text) - marks + sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
