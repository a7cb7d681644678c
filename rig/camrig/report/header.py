"""What is in force in a run, as a few aligned lines. Pure: the lines come from their rows alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HASH_DIGITS = 8


@dataclass(frozen=True)
class HeaderRow:
    """A thing in force: what it is to the run, its name or path, and the SHA-256 of its content if it has any."""

    label: str
    text: str
    sha256: str = ""


def short(sha256: str) -> str:
    """The digits of a hash that people compare."""
    return sha256[:HASH_DIGITS]


def header_text(title: str, rows: Sequence[HeaderRow]) -> str:
    """``title``, and below it a line for each row, with the first digits of its hash."""
    label_width = max((len(row.label) for row in rows), default=0)
    text_width = max((len(row.text) for row in rows if row.sha256), default=0)
    lines = [f"  {row.label:<{label_width}}  {row.text:<{text_width}}  {short(row.sha256)}".rstrip() for row in rows]
    return "\n".join([title, *lines])
