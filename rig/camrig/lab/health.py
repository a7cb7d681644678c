"""What is known of a board over its runs: how each ended, and whether the next may use it. Pure: texts and values.

A run is bad if the board or its bench did something wrong in it: it had to be brought back, did not come back, or its
port was lost. Tests that fail, a network that refuses and wrong settings are none of that.

A board is quarantined after ``BAD`` bad runs among the last ``JUDGED``. The lower end of Wilson's 95 % interval
(Wilson, JASA 22, 1927) for 3 of 10 is 11 %: such a board fails, with that confidence, in more than one run of ten. Of
boards that fail in one run of a hundred, 1.2 % are quarantined within a year of nights.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from camrig.redaction import one_line, presentable

JUDGED, BAD = 10, 3
KEPT = 30  # runs
TEXT = 300  # characters of each text
MAX_COUNT = 1_000_000
FINE, RECOVERED, NOT_BACK, PORT_LOST = "fine", "recovered", "did not come back", "port lost"
ENDS = (FINE, RECOVERED, NOT_BACK, PORT_LOST)
BY_RULE, BY_HAND = "rule", "hand"
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


@dataclass(frozen=True)
class RunEnd:
    """How a run ended for its board, ``at`` local time; ``count`` is how often it was brought back or lost."""

    at: str
    run: str
    end: str
    count: int = 0
    reason: str = ""

    @property
    def is_bad(self) -> bool:
        return self.end != FINE

    def __str__(self) -> str:
        times = f" {self.count} time{'s' * (self.count != 1)}" if self.end == RECOVERED else ""
        return f"{self.end}{times}" + (f" ({self.reason})" if self.reason else "")


@dataclass(frozen=True)
class Mark:
    """Why a board is wedged or quarantined, since when, and the run in which it came to that; ``by`` rule or hand."""

    at: str
    run: str
    reason: str
    by: str = BY_RULE


@dataclass(frozen=True)
class BoardHealth:
    """The last runs on a board, oldest first. ``wedged``: the last one could not bring it back.

    ``names`` are what runs called it, ``mac`` what it called itself.
    """

    name: str = ""
    mac: str = ""
    runs: tuple[RunEnd, ...] = ()
    wedged: Mark | None = None
    quarantined: Mark | None = None

    def after(self, run: RunEnd) -> BoardHealth:
        """The health after one more run, by the rule."""
        runs = (*self.runs, run)[-KEPT:]
        wedged = Mark(run.at, run.run, run.reason) if run.end == NOT_BACK else None
        quarantined = self.quarantined
        if quarantined is None and run.is_bad and (bad := bad_runs(runs)) >= BAD:
            judged = min(len(runs), JUDGED)
            quarantined = Mark(run.at, run.run, f"{bad} of its last {judged} runs were bad, the last: {run}")
        return replace(self, runs=runs, wedged=wedged, quarantined=quarantined)

    def set_aside(self, at: str, run: str, reason: str) -> BoardHealth:
        """The health of a board that somebody quarantines."""
        return replace(self, quarantined=Mark(at, run, reason, BY_HAND))

    def cleared(self) -> BoardHealth:
        """The health without its marks. After a quarantine the count begins again, else it would be back at once."""
        return replace(self, runs=() if self.quarantined else self.runs, wedged=None, quarantined=None)

    @property
    def state(self) -> str:
        """The state in words, empty for a board that any run may use."""
        if self.quarantined is not None:
            return f"quarantined since {self.quarantined.at}"
        return f"wedged since {self.wedged.at}" if self.wedged is not None else ""

    @property
    def record(self) -> str:
        """How its last runs ended, in a few words."""
        judged = self.runs[-JUDGED:]
        if not judged:
            return "no run is on record"
        return f"{bad_runs(judged)} of the last {len(judged)} run{'s' * (len(judged) != 1)} bad"


def bad_runs(runs: Sequence[RunEnd]) -> int:
    """The bad ones among those that are judged."""
    return sum(run.is_bad for run in runs[-JUDGED:])


def as_data(health: BoardHealth) -> dict[str, Any]:
    """The health for a file or a report."""
    return asdict(health) | {"runs": [asdict(run) for run in health.runs]}


def as_text(health: BoardHealth) -> str:
    return json.dumps(as_data(health), indent=1) + "\n"


def parse(text: str) -> BoardHealth:
    """The health in a file; what is damaged or foreign in it is left out."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return BoardHealth()
    if not isinstance(data, dict):
        return BoardHealth()
    entries = data.get("runs")
    runs = [_run(entry) for entry in (entries if isinstance(entries, list) else [])[-KEPT:]]
    return BoardHealth(
        name=_text(data, "name"),
        mac=_text(data, "mac"),
        runs=tuple(run for run in runs if run is not None),
        wedged=_mark(data.get("wedged")),
        quarantined=_mark(data.get("quarantined")),
    )


def short(text: str) -> str:
    """``text`` as a file keeps it and a terminal shows it: one line, without secrets, not too long."""
    text = one_line(presentable(text))
    return text if len(text) <= TEXT else text[: TEXT - 1] + "…"


def _run(entry: Any) -> RunEnd | None:
    if not isinstance(entry, dict) or entry.get("end") not in ENDS or not _TIME.fullmatch(_text(entry, "at")):
        return None
    count = entry.get("count")
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= MAX_COUNT:
        count = 0
    return RunEnd(_text(entry, "at"), _text(entry, "run"), entry["end"], count, _text(entry, "reason"))


def _mark(entry: Any) -> Mark | None:
    """A mark; what is unreadable in it does not make its board a sound one."""
    if not isinstance(entry, dict):
        return None
    at = _text(entry, "at")
    by = BY_HAND if entry.get("by") == BY_HAND else BY_RULE
    reason = _text(entry, "reason") or "no reason is known"
    return Mark(at if _TIME.fullmatch(at) else "an unknown time", _text(entry, "run"), reason, by)


def _text(entry: Mapping[str, Any], name: str) -> str:
    text = entry.get(name)
    return short(text) if isinstance(text, str) else ""
