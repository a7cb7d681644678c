"""Changes that belong together: one metric that went one way at about the same time, on one board or several."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from camrig.history.nights import BoardNights
from camrig.history.trend import POSSIBLE, STEP, Change

RECENT = 14  # nights whose events stand on top
_NIGHTS = {STEP: 1, POSSIBLE: 3}  # by which the dates of one event may differ; those of a drift are uncertain
_NIGHTS_OF_DRIFT = 14


@dataclass(frozen=True)
class Event:
    """Changes of one kind, metric and direction; ``where`` says on which boards, and what these share."""

    changes: tuple[Change, ...]
    night: datetime.date
    where: str

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
        counts = Counter(cause for change in self.changes for cause in change.causes)
        return tuple(cause for cause, count in counts.items() if 2 * count >= len(self.changes))


def events(changes: Sequence[Change], boards: Mapping[str, BoardNights]) -> list[Event]:
    """All changes as events, the latest first."""
    groups: dict[tuple[str, str, bool], list[list[Change]]] = {}
    for change in sorted(changes, key=lambda change: (change.night, change.board)):
        alike = groups.setdefault((change.kind, change.metric, change.after > change.before), [])
        reach = datetime.timedelta(days=_NIGHTS.get(change.kind, _NIGHTS_OF_DRIFT))
        if alike and change.night - alike[-1][-1].night <= reach:
            alike[-1].append(change)
        else:
            alike.append([change])
    known = [_event(group, boards) for alike in groups.values() for group in alike]
    return sorted(known, key=lambda event: (event.night, event.changes[0].metric), reverse=True)


def divided(known: Sequence[Event], last: datetime.date) -> tuple[list[Event], list[Event]]:
    """The events of the last nights and those that go on, what is only possible last; and all earlier ones."""
    since = last - datetime.timedelta(days=RECENT - 1)
    recent = [event for event in known if event.night >= since or event.lasts]
    recent.sort(key=lambda event: event.kind == POSSIBLE)
    return recent, [event for event in known if event not in recent]


def sentence(known: Sequence[Event]) -> str:
    """How many events there are of each kind, in words."""
    numbers = Counter(event.kind for event in known)
    parts = [f"{count} {word}{'s' * (count != 1)}" for word, count in sorted(numbers.items())]
    return ", ".join(parts) if parts else "nothing moved"


def _event(changes: list[Change], boards: Mapping[str, BoardNights]) -> Event:
    night = Counter(change.night for change in changes).most_common(1)[0][0]
    metric = (changes[0].metric, changes[0].unit)
    measured = [name for name, board in boards.items() if metric in board.courses]
    return Event(tuple(changes), night, _where([change.board for change in changes], measured, boards, night))


def _where(
    names: Sequence[str], measured: Sequence[str], boards: Mapping[str, BoardNights], night: datetime.date
) -> str:
    names = list(dict.fromkeys(names))
    if len(measured) > 1 and len(names) == len(measured):
        return f"on all {len(names)} boards"
    if len(names) == 1:
        return f"on {names[0]} alone, of {len(measured)} boards" if len(measured) > 1 else f"on {names[0]}"
    places = {name: _place(boards[name], night) for name in measured}
    shared = {places[name] for name in names if name in places}
    everywhere = [name for name in measured if places[name] in shared]
    text = f"on {len(names)} of {len(measured)} boards"
    if len(shared) == 1 and shared != {""} and len(everywhere) < len(measured):
        whole = "all" if len(everywhere) == len(names) else f"{len(names)} of {len(everywhere)}"
        return f"{text}: {whole} of those on {shared.pop()}"
    return f"{text}: {', '.join(names)}"


def _place(board: BoardNights, night: datetime.date) -> str:
    """Where a board was that night, or on the last night before that it was anywhere."""
    known = [date for date in board.nights if date <= night and board.nights[date].place]
    return board.nights[max(known)].place if known else ""
