"""The boards of a run beside each other, for people: how it ended for each, and the figures to compare. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from camrig.report.board_endings import BLOCKED, board_endings
from camrig.report.metrics_table import fitting, number
from camrig.report.run_verdict import ending_of
from camrig.report.summary import MAIN_METRICS

WORDS = {"passed": "passed", "failed": "failed", "error": "failed", "xfailed": "failed as known"}
WORDS |= {"xpassed": "passed", "skipped": "skipped", "blocked": "blocked", "inconclusive": "inconclusive"}
OF_TERMINAL = ("latency.preflight.on_board", "heap.preflight.added")  # the columns beside how it ended
NOTHING = "–"


@dataclass(frozen=True)
class BoardColumn:
    """One board: how the run ended for it, the numbers of its tests, and its figures by metric, with their units."""

    name: str
    ending: str
    tests: str
    facts: Mapping[str, str]
    metrics: Mapping[str, str]


@dataclass(frozen=True)
class NightHead:
    """What a night says of its boards: the ending of each, a row for each stage, and links to the pages of each."""

    endings: Mapping[str, str]
    rows: Sequence[tuple[str, list[str]]]
    links: Sequence[Sequence[tuple[str, str]]]


def ordered(columns: Sequence[BoardColumn], names: Iterable[str]) -> list[BoardColumn]:
    """A column for each of ``names`` in that order, empty for a board that has none."""
    known = {column.name: column for column in columns}
    return [known.get(name, BoardColumn(name, BLOCKED, NOTHING, {}, {})) for name in names]


def columns_of(results: Mapping[str, Any]) -> list[BoardColumn]:
    """A column for each board of ``results``, also for those that were not reached."""
    boards = {board["spec"]: board for board in results["boards"]}
    tests = [(test["board"], test["outcome"]) for test in results["outcomes"]]
    endings = board_endings(list(boards), tests, ending_of(results["exit_code"]))
    return [
        BoardColumn(
            name=spec,
            ending=ending,
            tests=_numbers([outcome for board, outcome in tests if board == spec]),
            facts=_facts(boards[spec]) if spec in boards else {},
            metrics=_metrics(boards[spec]) if spec in boards else {},
        )
        for spec, ending in endings.items()
    ]


def rows_of(columns: Sequence[BoardColumn]) -> list[tuple[str, list[str]]]:
    """What is compared, a row for each thing that any of the boards has: its name, and a cell for each board."""
    rows = [("tests", [column.tests for column in columns])]
    for fact in dict.fromkeys(fact for column in columns for fact in column.facts):
        rows.append((fact, [column.facts.get(fact, NOTHING) for column in columns]))
    for metric in MAIN_METRICS:
        if any(metric in column.metrics for column in columns):
            rows.append((metric, [column.metrics.get(metric, NOTHING) for column in columns]))
    return rows


def side_by_side_text(results: Mapping[str, Any], width: int) -> str:
    """The boards as a table for a terminal, a row for each; empty for fewer than two."""
    columns = columns_of(results)
    if len(columns) < 2:
        return ""
    metrics = [name for name in OF_TERMINAL if any(name in column.metrics for column in columns)]
    rows = [
        (column.name, column.ending, column.tests, *(column.metrics.get(name, NOTHING) for name in metrics))
        for column in columns
    ]
    heads = ("board", "ending", "tests", *(name.removeprefix("latency.") for name in metrics))
    return fitting(heads, rows, width, tuple(reversed(heads[3:])))


def _numbers(outcomes: Sequence[str]) -> str:
    counts = Counter(WORDS.get(outcome, outcome) for outcome in outcomes)
    return ", ".join(f"{counts[word]} {word}" for word in dict.fromkeys(WORDS.values()) if counts[word]) or NOTHING


def _facts(board: Mapping[str, Any]) -> dict[str, str]:
    radio = board["radio"] or {}
    channel, rssi = radio.get("channel"), radio.get("rssi")
    facts = {
        "board": board["machine"],
        "firmware": board["firmware"].removeprefix("MicroPython "),
        "MAC": board["mac"],
        "library": board["library_sha256"][:8],
        "access point": board["access_point"] or str(radio.get("ssid") or ""),
        "channel": "" if channel is None else str(channel),
        "signal": "" if rssi is None else f"{rssi} dBm",
        "crashes": str(len(board["crashes"]) or ""),
        "recoveries": str(len(board["recovery"]) or ""),
        "about it": board["about"],
    }
    return {name: value for name, value in facts.items() if value}


def _metrics(board: Mapping[str, Any]) -> dict[str, str]:
    return {metric["name"]: f"{number(metric['median'])} {metric['unit']}" for metric in board["metrics"]}
