"""A page of the docs in its parts: code blocks, tables and sentences, so that tests execute what it says."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

CODE, TABLE, TEXT, NOTHING = "code", "table", "text", ""
_ITEM = re.compile(r"( *)(?:\d+\.|[-*]) +")
_IN_CODE = re.compile(r"`[^`]+`")
# A full stop or a colon ends a sentence where white space and a new beginning follow; in code it ends none.
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`(*\[])")


class Page:
    """Markdown, parsed as far as these pages need it."""

    def __init__(self, path: Path) -> None:
        self._parts = _parts(path.read_text(encoding="utf-8").splitlines())

    def code(self, begins: str) -> str:
        """The code block whose first line begins so."""
        blocks = (textwrap.dedent("\n".join(lines)) for kind, lines in self._parts if kind == CODE)
        (block,) = (block for block in blocks if block.startswith(begins))
        return f"{block.rstrip()}\n"

    def table(self, *head: str) -> list[list[str]]:
        """The rows of the table with that head, each a list of its cells."""
        for kind, lines in self._parts:
            rows = [_cells(line) for line in lines]
            if kind == TABLE and tuple(rows[0]) == head:
                return rows[2:]
        raise AssertionError(f"the page has no table {head}")

    def sentences(self) -> list[str]:
        """All sentences outside of headings, code blocks and tables, each in one line."""
        return [sentence for kind, lines in self._parts if kind == TEXT for sentence in _sentences(" ".join(lines))]

    def comments(self) -> list[str]:
        """The comments in its code blocks."""
        lines = (line for kind, lines in self._parts if kind == CODE for line in lines)
        return [match[1] for line in lines if (match := re.search(r"(?:^|\s)# (.*)$", line))]

    def sentence(self, words: str) -> str:
        """The sentence with these words."""
        (sentence,) = (sentence for sentence in self.sentences() if words in sentence)
        return sentence


def codes(text: str) -> list[str]:
    """The texts that are set as code."""
    return [match[0].strip("`") for match in _IN_CODE.finditer(text)]


def _parts(lines: list[str]) -> list[tuple[str, list[str]]]:
    """Blocks of lines of one kind: a code block, a table, a paragraph."""
    return [
        (kind, [line for *_, line in block]) for (kind, _), block in groupby(_kinds(lines), lambda line: line[:2])
    ]


def _kinds(lines: list[str]) -> Iterator[tuple[str, int, str]]:
    """Each line with its kind and the number of its block."""
    number = margin = 0
    kind, fenced = NOTHING, False
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if line.strip().startswith("```"):
            fenced = not fenced
            number, kind = number + 1, NOTHING
            continue
        if fenced:
            kind = CODE
        elif not line.strip():
            if kind != CODE:
                number, kind = number + 1, NOTHING
        elif kind in (NOTHING, CODE) and indent >= margin + 4:
            kind = CODE
        elif line.startswith("#"):
            number, kind, margin = number + 1, NOTHING, 0
            continue
        elif line.lstrip().startswith("|"):
            number, kind = number + (kind != TABLE), TABLE
        else:
            item = _ITEM.match(line)
            number += item is not None or kind != TEXT
            margin = len(item[0]) if item else margin if indent else 0
            kind, line = TEXT, line[len(item[0]) :] if item else line
        yield kind, number, line


def _sentences(paragraph: str) -> list[str]:
    inside: list[str] = []

    def hide(match: re.Match[str]) -> str:
        inside.append(match[0])
        return f"`{len(inside) - 1}`"

    hidden = _IN_CODE.sub(hide, " ".join(paragraph.split()))
    parts = _END.split(hidden)
    return [re.sub(r"`(\d+)`", lambda match: inside[int(match[1])], part) for part in parts]


def _cells(line: str) -> list[str]:
    """The cells of a row; a bar in code is a part of its cell."""
    return [cell.strip() for cell in re.split(r"\|(?=(?:[^`]*`[^`]*`)*[^`]*$)", line.strip())[1:-1]]
