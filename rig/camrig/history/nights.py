"""The runs of a history by board and night: how each night ended, and each metric's course.

A night lasts from noon to noon on this computer's clock and has the date on which it begins.
"""

from __future__ import annotations

import datetime
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from camrig.history.comparison import ComparisonRecord, comparisons
from camrig.history.query import OF_BOARD, Filter
from camrig.history.record import BLOCKED, FAILED, INCONCLUSIVE, INTERRUPTED, PASSED
from camrig.measure.statistics import median

# Of several runs of a night the first of these counts: trouble of the rig only where nothing else was learned.
_GRAVEST = (FAILED, INCONCLUSIVE, PASSED, INTERRUPTED, BLOCKED)
_FACTS = ("firmware", "build", "library", "application", "camrig", "host", "access_point", "channel", "git_commit")
NEIGHBOURS = 8  # at most, of boards that are not shown themselves
_HALF_A_DAY = datetime.timedelta(hours=12)

Metric = tuple[str, str]  # name and unit


@dataclass(frozen=True)
class Night:
    """One board in one night: how it ended, whether only by a part of the tests, and what was in force.

    ``place`` is what boards share that are neighbours: access point and channel, else the computer.
    """

    ending: str
    scoped: bool
    facts: Mapping[str, str]

    @property
    def place(self) -> str:
        channel = f"channel {self.facts['channel']}" if self.facts["channel"] else ""
        return " ".join(filter(None, (self.facts["access_point"], channel))) or self.facts["host"]


@dataclass
class BoardNights:
    """One board: its nights, and for each metric the value of each night that has one, both in order.

    ``compared`` are the nights whose library ``camrig ab`` has compared with the one before.
    """

    name: str
    machine: str
    virtual: bool
    nights: dict[datetime.date, Night] = field(default_factory=dict)
    courses: dict[Metric, dict[datetime.date, float]] = field(default_factory=dict)
    compared: dict[datetime.date, ComparisonRecord] = field(default_factory=dict)
    label: str = ""  # its name in the bench file

    @property
    def shown(self) -> str:
        """The board as people call it."""
        return self.label or self.name


def board_nights(
    connection: sqlite3.Connection, chosen: Filter, names: Sequence[str] | None = None
) -> dict[str, BoardNights]:
    """Every board that passes the filter. Virtual ones only where there is no other, or where they are named.

    With ``names`` these boards, whatever the filter says of boards.
    """
    if names is None and chosen.board:
        pattern = f"SELECT DISTINCT name FROM boards WHERE {OF_BOARD}"
        names = [name for (name,) in connection.execute(pattern, (chosen.board,) * 3)]
    where, values = replace(chosen, board="").where(metrics=False)
    if names is not None:
        where += f" AND boards.name IN ({', '.join('?' * len(names))})"
        values += names
    columns = ", ".join(f"{'boards' if name in _OF_BOARD else 'runs'}.{name}" for name in _FACTS)
    rows = connection.execute(
        f"SELECT boards.id, boards.name, spec, machine, virtual, started, boards.ending, scoped, {columns}"
        f" FROM boards JOIN runs ON runs.id = boards.run WHERE {where} ORDER BY started, boards.id",
        values,
    ).fetchall()
    hardware = any(not virtual and machine for _, _, _, machine, virtual, *_ in rows)
    named: dict[str, str] = {}  # what a board that was not reached was called as soon as it was
    for _, name, spec, machine, *_ in rows:
        if machine:
            named.setdefault(spec, name)
    records = comparisons(connection)
    labels = dict(connection.execute("SELECT board, label FROM labels").fetchall())
    boards: dict[str, BoardNights] = {}
    places: dict[int, tuple[str, datetime.date]] = {}
    for number, name, spec, machine, virtual, started, ending, scoped, *facts in rows:
        name = name if machine or name != spec else named.get(spec, name)
        if virtual and hardware and names is None:
            continue
        board = boards.setdefault(name, BoardNights(name, machine, bool(virtual), label=labels.get(name, "")))
        board.machine = machine or board.machine
        night = night_of(started)
        known = {fact: "" if value is None else str(value) for fact, value in zip(_FACTS, facts, strict=True)}
        board.nights[night] = _graver(board.nights.get(night), Night(ending, bool(scoped), known))
        places[number] = (name, night)
        if (record := records.get((name, started))) is not None:
            board.compared[night] = record
    _add_courses(connection, chosen.metric, names, boards, places)
    return dict(sorted(boards.items()))


_OF_BOARD = ("firmware", "build", "library", "application", "access_point", "channel")


def _graver(first: Night | None, second: Night) -> Night:
    """What counts of two runs of a night; what was in force is that of the later one that reached the board."""
    if first is None:
        return second
    if first.scoped != second.scoped:
        counted = second if first.scoped else first  # a part of the tests says less
    else:
        counted = min(first, second, key=lambda night: _GRAVEST.index(night.ending))
    facts = second.facts if second.facts["firmware"] or not first.facts["firmware"] else first.facts
    return Night(counted.ending, counted.scoped, facts)


def _add_courses(
    connection: sqlite3.Connection,
    metric: str,
    names: Sequence[str] | None,
    boards: Mapping[str, BoardNights],
    places: Mapping[int, tuple[str, datetime.date]],
) -> None:
    source, condition, values = "metrics", "names.name GLOB ?", [metric or "*"]
    if names is not None:  # few of many boards: from them to their figures
        source = "boards CROSS JOIN metrics ON metrics.board = boards.id"
        condition += f" AND boards.name IN ({', '.join('?' * len(names))})"
        values += names
    collected: dict[tuple[str, Metric], dict[datetime.date, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number, name_of_metric, unit, value in connection.execute(
        f"SELECT metrics.board, names.name, names.unit, metrics.median FROM {source}"
        f" JOIN names ON names.id = metrics.name WHERE {condition}",
        values,
    ):
        if (place := places.get(number)) is not None:
            name, night = place
            collected[name, (name_of_metric, unit)][night].append(value)
    for name, kind in sorted(collected):
        nights = collected[name, kind]
        boards[name].courses[kind] = {
            night: nights[night][0] if len(nights[night]) == 1 else median(nights[night]) for night in sorted(nights)
        }


def neighbours_of(
    connection: sqlite3.Connection, boards: Mapping[str, BoardNights], chosen: Filter
) -> dict[str, BoardNights]:
    """Some of the boards that are at the places of ``boards`` now, and do not pass the filter themselves."""
    names: dict[str, None] = {}
    for board in boards.values():
        facts = list(board.nights.values())[-1].facts
        condition, values = (
            "boards.channel = ? AND boards.access_point = ?",
            [facts["channel"], facts["access_point"]],
        )
        if not facts["channel"]:
            condition, values = "runs.host = ? AND runs.host != ''", [facts["host"]]
        for (name,) in connection.execute(
            "SELECT DISTINCT boards.name FROM runs CROSS JOIN boards ON boards.run = runs.id"
            f" WHERE {condition} AND runs.started >= (SELECT date(max(started), '-7 days') FROM runs)"
            " ORDER BY boards.name",
            values,
        ):
            if name not in boards:
                names[name] = None
    return board_nights(connection, chosen, list(names)[:NEIGHBOURS])


def night_of(started: str) -> datetime.date:
    """The night in which a run began."""
    return (datetime.datetime.fromisoformat(started).astimezone() - _HALF_A_DAY).date()


def all_nights(boards: Iterable[BoardNights]) -> list[datetime.date]:
    """Every date from the first night to the last, also those without a run."""
    known = [night for board in boards for night in board.nights]
    if not known:
        return []
    first, last = min(known), max(known)
    return [first + datetime.timedelta(days=day) for day in range((last - first).days + 1)]
