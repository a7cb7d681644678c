"""What a browser has decided, for the page of a run: a table of policies and features, and every answer below it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from camrig.report.browser_answers import in_words, sentence

COLUMNS = ("page", "request", "the policy means", "the browser says", "its reason", "preflights", "ms")


def browser(answers: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The values of the template; None where no browser was asked."""
    cells: Sequence[Mapping[str, Any]] = answers["cells"] if answers else ()
    if not answers or not cells:
        return None
    policies = list(dict.fromkeys(cell["policy"] for cell in cells))
    return {
        "sentence": sentence(answers),
        "tables": [
            (columns, [(policy, [_cell(cells, policy, column) for column in columns]) for policy in rows])
            for columns, rows in _tables(cells)
        ],
        "wrong": [cell for cell in cells if cell["outcome"] != "agrees"],
        "details": [(policy, [_row(cell) for cell in cells if cell["policy"] == policy]) for policy in policies],
        "detail_columns": COLUMNS,
    }


def _tables(cells: Sequence[Mapping[str, Any]]) -> list[tuple[list[str], list[str]]]:
    """Features and policies, those together that have some of the others in common: no table is mostly empty."""
    tables: list[tuple[list[str], list[str]]] = []
    for feature in dict.fromkeys(cell["feature"] for cell in cells):
        features = [feature]
        policies = list(dict.fromkeys(cell["policy"] for cell in cells if cell["feature"] == feature))
        for table in [table for table in tables if not set(table[1]).isdisjoint(policies)]:
            tables.remove(table)
            features, policies = [*table[0], *features], list(dict.fromkeys([*table[1], *policies]))
        tables.append((features, policies))
    return sorted(tables, key=lambda table: -len(table[0]))


def _cell(cells: Sequence[Mapping[str, Any]], policy: str, column: str) -> dict[str, Any] | None:
    own = [cell for cell in cells if cell["policy"] == policy and cell["feature"] == column]
    if not own:
        return None
    outcomes, words = Counter(cell["outcome"] for cell in own), Counter(cell["browser"] for cell in own)
    return {
        "css": "bad" if outcomes["failed"] else "open" if outcomes["blocked"] else "ok",
        "counts": in_words(words),
        "failed": outcomes["failed"],
        "blocked": outcomes["blocked"],
        "number": len(own),
        "preflights": sum(cell["preflights"] for cell in own),
    }


def _row(cell: Mapping[str, Any]) -> list[str | float]:
    signs = {"failed": "✗ ", "blocked": "◇ "}
    said = signs.get(cell["outcome"], "") + cell["browser"]
    return [cell["page"], cell["request"], cell["means"], said, cell["reason"], cell["preflights"], cell["ms"]]
