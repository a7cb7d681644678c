"""What moved over the nights: steps and drifts of every metric of every board, and what may have caused them."""

from __future__ import annotations

import datetime
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from camrig.history.nights import BoardNights, Metric, Night
from camrig.measure.drift import Movement, movement
from camrig.measure.noise import noise_width
from camrig.measure.statistics import median

STEP, POSSIBLE, DRIFT = "step", "possible step", "drift"
CONFIRMED = "confirmed by camrig ab: that night's library is worse than the one before"
ALIKE = "camrig ab of both libraries shows no difference: it is not the library"
HIGHER_IS_BETTER = ("heap.free", "wifi.rssi")  # of the suite's own metrics; and whatever is counted per second
DATING = 9.0  # nights by which the date of a step of one noise width may be wrong; of wider ones less, by the square
LATEST = 7  # nights from a change to what may have caused it
BEFORE, AFTER = 10, 3  # nights of a neighbour that are compared
MOST_NEIGHBOURS = 16  # that a change is compared with: an access point carries no more, a host may
MOVED = 2.0  # noise widths from which a neighbour has moved too
_WORDS = {
    "firmware": "firmware",
    "build": "firmware's build",
    "library": "library",
    "application": "application",
    "camrig": "rig",
    "host": "host",
    "access_point": "access point",
    "channel": "channel",
    "git_commit": "commit",
}


@dataclass(frozen=True)
class Change:
    """A step, a possible one or a drift of one metric of one board, which began in ``night``."""

    kind: str
    board: str
    metric: str
    unit: str
    night: datetime.date
    before: float
    after: float
    widths: float
    worse: bool
    causes: tuple[str, ...] = ()
    neighbours: str = ""
    nights: int = 0  # of a drift
    lasts: bool = False  # a drift that goes on
    compared: str = ""  # what camrig ab said of that night's library and the one before
    label: str = ""  # the board's name in the bench file

    @property
    def shown(self) -> str:
        """The board as people call it."""
        return self.label or self.board

    @property
    def share(self) -> float | None:
        """By which share it changed; None from zero."""
        return (self.after - self.before) / abs(self.before) if self.before else None


@dataclass(frozen=True)
class MetricCourse:
    """One metric of one board: a value for each night that has one, how it moved, and the changes in words."""

    metric: str
    unit: str
    nights: Sequence[datetime.date]
    values: Sequence[float]
    movement: Movement
    changes: Sequence[Change] = ()


@dataclass
class Trend:
    """Every course of every board, and all changes, the latest first."""

    courses: dict[str, list[MetricCourse]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)


def trend(boards: Mapping[str, BoardNights], neighbours: Mapping[str, BoardNights] | None = None) -> Trend:
    """How everything moved; ``neighbours`` are further boards, which are only compared with."""
    result = Trend()
    near = _Places([*{**(neighbours or {}), **boards}.values()])
    for name, board in boards.items():
        courses = []
        for (metric, unit), values in board.courses.items():
            nights, figures = list(values), list(values.values())
            moved = movement(figures)
            changes = tuple(_changes(near, board, (metric, unit), nights, moved))
            courses.append(MetricCourse(metric, unit, nights, figures, moved, changes))
            result.changes += changes
        result.courses[name] = courses
    result.changes.sort(key=lambda change: (change.night, change.board, change.metric), reverse=True)
    return result


def is_worse(metric: str, unit: str, change: float) -> bool:
    """Whether a change of the metric is one for the worse: nearly all of them cost something."""
    better_up = metric in HIGHER_IS_BETTER or unit.endswith("/s")
    return change < 0 if better_up else change > 0


def _changes(
    places: _Places,
    board: BoardNights,
    metric: Metric,
    nights: Sequence[datetime.date],
    moved: Movement,
) -> Iterator[Change]:
    for step in (*moved.steps, *filter(None, [moved.possible])):
        night = nights[step.index]
        worse = is_worse(*metric, step.change)
        compared = _compared(board, metric[0], night) if worse else ""
        yield Change(
            kind=POSSIBLE if step is moved.possible and compared != CONFIRMED else STEP,
            board=board.name,
            label=board.label,
            metric=metric[0],
            unit=metric[1],
            night=night,
            before=step.before,
            after=step.after,
            widths=step.widths,
            worse=worse,
            compared=compared,
            causes=tuple(causes_near(board, nights, step.index, ceil(DATING / max(1.0, step.widths**2)))),
            neighbours=_neighbours(places, board, metric, night, step.change),
        )
    noise = moved.noise
    for drift in moved.drifts:
        start = max(0, min(drift.start, len(nights) - 1))
        yield Change(
            kind=DRIFT,
            board=board.name,
            label=board.label,
            metric=metric[0],
            unit=metric[1],
            night=nights[start],
            before=drift.before,
            after=drift.before + drift.change,
            widths=drift.change / noise if noise else 0.0,
            worse=is_worse(*metric, drift.change),
            causes=tuple(causes_near(board, nights, max(1, start), LATEST)),
            nights=drift.end - drift.start,
            lasts=drift.lasts,
        )


def _compared(board: BoardNights, metric: str, night: datetime.date) -> str:
    """What a comparison of that night or a neighbouring one says; a step may be dated one night off."""
    for days in (0, 1, -1):
        if (record := board.compared.get(night + datetime.timedelta(days=days))) is not None:
            return CONFIRMED if metric in record.worse else "" if record.worse else ALIKE
    return ""


def causes_near(board: BoardNights, nights: Sequence[datetime.date], index: int, reach: int) -> Iterator[str]:
    """What changed on the night with this index; else on the nearest within ``reach`` of it, which the words say."""
    for distance in range(min(reach, LATEST) + 1):
        for place in dict.fromkeys((index - distance, index + distance)):
            if 0 < place < len(nights):
                changed = list(causes(board.nights[nights[place - 1]], board.nights[nights[place]]))
                if changed:
                    days = (nights[place] - nights[index]).days
                    when = f" {abs(days)} night{'s' * (abs(days) != 1)} {'later' if days > 0 else 'earlier'}"
                    yield from (f"{cause}{when if days else ''}" for cause in changed)
                    return


def causes(before: Night, after: Night) -> Iterator[str]:
    """What was in force the night before a change and no longer the night of it."""
    for fact, word in _WORDS.items():
        old, new = before.facts[fact], after.facts[fact]
        if old == new or not (old or new):
            continue
        if fact == "access_point" and not (old and new):
            continue  # not every board reports it
        if fact == "build" and before.facts["firmware"] != after.facts["firmware"]:
            continue
        yield f"{word} {_shown(old)} → {_shown(new)}"


def _shown(fact: str) -> str:
    if not fact:
        return "unknown"
    is_hash = len(fact) >= 40 and all(character in "0123456789abcdef" for character in fact.rstrip("+"))
    return fact[:8] + "+" * fact.endswith("+") if is_hash else fact.removeprefix("MicroPython ")


class _Places:
    """Which boards were at a place in a night."""

    def __init__(self, boards: Sequence[BoardNights]) -> None:
        self._boards = boards
        self._nights: dict[datetime.date, dict[str, list[BoardNights]]] = {}

    def at(self, place: str, night: datetime.date) -> Sequence[BoardNights]:
        if night not in self._nights:
            places = self._nights.setdefault(night, {})
            for board in self._boards:
                if (known := board.nights.get(night)) is not None:
                    places.setdefault(known.place, []).append(board)
        return self._nights[night].get(place, ())


def _neighbours(places: _Places, board: BoardNights, metric: Metric, night: datetime.date, change: float) -> str:
    """How the boards at the same place moved around that night, in words."""
    place = board.nights[night].place
    if not place:
        return ""
    near = [neighbour for neighbour in places.at(place, night) if neighbour is not board]
    near = [neighbour for neighbour in near if len(neighbour.courses.get(metric, ())) >= BEFORE]
    if not near:
        return f"no other board on {place}"
    if len(near) > MOST_NEIGHBOURS:
        place += f" ({len(near)} in all)"
        near = near[:MOST_NEIGHBOURS]
    too = [neighbour.shown for neighbour in near if _moved_too(neighbour.courses[metric], night, change)]
    if not too:
        return f"none of {len(near)} neighbour{'s' * (len(near) != 1)} on {place} moved the same way"
    return f"{len(too)} of {len(near)} neighbours on {place} moved too: {', '.join(too)}"


def _moved_too(course: Mapping[datetime.date, float], night: datetime.date, change: float) -> bool:
    """Whether a course goes the same way around the night, as seen in its medians before and after."""
    dates, values = list(course), list(course.values())
    place = bisect_left(dates, night)
    # Without the nights on which the neighbour's own step may be dated.
    before = values[: bisect_left(dates, night - datetime.timedelta(days=1))][-BEFORE:]
    after = values[place + 1 : place + 1 + AFTER] or values[place : place + 1]
    if len(before) < AFTER or not after:
        return False
    shift = median(after) - median(before)
    noise = noise_width(before)
    return shift * change > 0 and abs(shift) > MOVED * noise
