"""Changes that belong together: what went for the worse, or the better, in one night, on one board or several."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf

from camrig.history.nights import BoardNights
from camrig.history.trend import POSSIBLE, STEP, Change

RECENT = 14  # nights whose events stand on top
_NIGHTS = {STEP: 1, POSSIBLE: 3}  # by which the dates of one event may differ; those of a drift are uncertain
_NIGHTS_OF_DRIFT = 14
NAMED = 8  # boards of an event in its sentence
_SHARED = 0.5  # of the boards of both, so that two metrics are one event


@dataclass(frozen=True)
class Event:
    """Changes of one kind, for the worse or the better; ``where`` says on which boards, and what these share."""

    changes: tuple[Change, ...]
    night: datetime.date
    where: str

    @cached_property
    def metrics(self) -> dict[str, list[Change]]:
        """The changes of each metric, the largest share first, in the metrics and among their boards."""
        groups: dict[str, list[Change]] = {}
        for change in sorted(self.changes, key=lambda change: (-size(change), change.metric, change.board)):
            groups.setdefault(change.metric, []).append(change)
        return groups

    @property
    def first(self) -> Change:
        """The largest change."""
        return next(iter(self.metrics.values()))[0]

    @property
    def kind(self) -> str:
        """A step is a regression or an improvement; what is not confirmed yet is neither."""
        change = self.changes[0]
        return ("regression" if change.worse else "improvement") if change.kind == STEP else change.kind

    @property
    def lasts(self) -> bool:
        return any(change.lasts for change in self.changes)

    @property
    def causes(self) -> tuple[str, ...]:
        """What else changed that night, on most of the boards."""
        pairs = dict.fromkeys((cause, change.board) for change in self.changes for cause in change.causes)
        counts = Counter(cause for cause, _ in pairs)
        boards = {change.board for change in self.changes}
        return tuple(cause for cause, count in counts.items() if 2 * count >= len(boards))

    @property
    def compared(self) -> str:
        """What ``camrig ab`` said; of several words those of the largest change."""
        return next((each.compared for changes in self.metrics.values() for each in changes if each.compared), "")


def size(change: Change) -> float:
    """By which share it changed, either way; from zero it is infinite."""
    return inf if change.share is None else abs(change.share)


def span(changes: Sequence[Change]) -> str:
    """By how much a metric changed, from the least to the most of its boards."""
    shares = sorted(change.share for change in changes if change.share is not None)
    if not shares:
        return f"{changes[0].after - changes[0].before:+.4g} {changes[0].unit}"
    low, high = f"{shares[0]:+.1%}", f"{shares[-1]:+.1%}"
    text = low if low == high else f"{low} to {high}"
    return f"{text} so far" if any(change.lasts for change in changes) else text


def events(changes: Iterable[Change], boards: Mapping[str, BoardNights]) -> list[Event]:
    """All changes as events, the latest first: metrics that changed together, on much the same boards, are one."""
    groups: dict[tuple[str, bool], list[list[Change]]] = {}
    for alike in _by_metric(changes):
        of_kind = groups.setdefault((alike[0].kind, alike[0].worse), [])
        event = next((event for event in of_kind if _together(event, alike)), None)
        if event is None:
            of_kind.append(alike)
        else:
            event += alike
    known = [_event(group, boards) for of_kind in groups.values() for group in of_kind]
    return sorted(known, key=lambda event: (event.night, size(event.first), event.first.metric), reverse=True)


def _by_metric(changes: Iterable[Change]) -> list[list[Change]]:
    """Changes of one kind, metric and direction at about the same time, the earliest first."""
    groups: dict[tuple[str, str, bool], list[list[Change]]] = {}
    for change in sorted(changes, key=lambda change: (change.night, change.board)):
        alike = groups.setdefault((change.kind, change.metric, change.after > change.before), [])
        if alike and change.night - alike[-1][-1].night <= _reach(change):
            alike[-1].append(change)
        else:
            alike.append([change])
    return sorted((group for alike in groups.values() for group in alike), key=lambda group: group[0].night)


def _reach(change: Change) -> datetime.timedelta:
    return datetime.timedelta(days=_NIGHTS.get(change.kind, _NIGHTS_OF_DRIFT))


def _together(event: Sequence[Change], alike: Sequence[Change]) -> bool:
    """Whether the changes of a metric belong to an event: the same night, and half of all their boards."""
    first, second = {change.board for change in event}, {change.board for change in alike}
    near = abs(_night(alike) - _night(event)) <= _reach(alike[0])
    return near and len(first & second) >= _SHARED * len(first | second)


def _night(changes: Sequence[Change]) -> datetime.date:
    """The night that most of them name."""
    return Counter(change.night for change in changes).most_common(1)[0][0]


def divided(known: Sequence[Event], last: datetime.date) -> tuple[list[Event], list[Event]]:
    """The events of the last nights and those that go on, what is only possible last; and all earlier ones."""
    since = last - datetime.timedelta(days=RECENT - 1)
    recent = [event for event in known if event.night >= since or event.lasts]
    recent.sort(key=lambda event: event.kind == POSSIBLE)
    shown = {id(event) for event in recent}
    return recent, [event for event in known if id(event) not in shown]


def sentence(known: Sequence[Event]) -> str:
    """How many events there are of each kind, in words."""
    numbers = Counter(event.kind for event in known)
    parts = [f"{count} {word}{'s' * (count != 1)}" for word, count in sorted(numbers.items())]
    return ", ".join(parts) if parts else "nothing moved"


def _event(changes: Sequence[Change], boards: Mapping[str, BoardNights]) -> Event:
    night = _night(changes)
    metrics = {(change.metric, change.unit) for change in changes}
    measured = [name for name, board in boards.items() if not metrics.isdisjoint(board.courses)]
    return Event(tuple(changes), night, _where([change.board for change in changes], measured, boards, night))


def _where(
    names: Sequence[str], measured: Sequence[str], boards: Mapping[str, BoardNights], night: datetime.date
) -> str:
    names = list(dict.fromkeys(names))
    called = [boards[name].shown if name in boards else name for name in names]
    if len(measured) > 1 and len(names) == len(measured):
        return f"on all {len(names)} boards"
    if len(names) == 1:
        return f"on {called[0]} alone, of {len(measured)} boards" if len(measured) > 1 else f"on {called[0]}"
    places = {name: _place(boards[name], night) for name in measured}
    shared = {places[name] for name in names if name in places}
    everywhere = [name for name in measured if places[name] in shared]
    text = f"on {len(names)} of {len(measured)} boards"
    if len(shared) == 1 and shared != {""} and len(everywhere) < len(measured):
        whole = "all" if len(everywhere) == len(names) else f"{len(names)} of {len(everywhere)}"
        return f"{text}: {whole} of those on {shared.pop()}"
    others = f" and {left} other{'s' * (left != 1)}" if (left := len(names) - NAMED) > 0 else ""
    return f"{text}: {', '.join(called[:NAMED])}{others}"


def _place(board: BoardNights, night: datetime.date) -> str:
    """Where a board was that night, or on the last night before that it was anywhere."""
    places = (board.nights[date].place for date in reversed(board.nights) if date <= night)
    return next(filter(None, places), "")
