"""Known issues of a board: which failing tests they excuse, and until when. Pure."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from camrig.errors import SettingsError
from camrig.settings.config_file import unknown_key

KEYS = ("tests", "what", "until")
PASSED, EXCUSED = ("passed", "xpassed"), "xfailed"
_EXAMPLE = '{ tests = "test_camera_*", what = "its lens is loose", until = 2026-12-31 }'


@dataclass(frozen=True)
class KnownIssue:
    """The ``reason`` why a board fails ``tests``, and the last day on which that excuses them.

    ``tests`` is the id of a test, its file or its name, with or without parameters; ``*`` and ``?`` stand for any
    characters.
    """

    tests: str
    reason: str
    until: datetime.date

    def matches(self, test: str, board: str) -> bool:
        """Whether it is about the test with the id ``test``, which ran on ``board``."""
        translated = re.escape(self.tests).replace(r"\*", ".*").replace(r"\?", ".")
        return any(re.fullmatch(translated, name, re.DOTALL) for name in _names(test, board))

    def is_over(self, today: datetime.date) -> bool:
        return today > self.until

    def __str__(self) -> str:
        return f"{self.tests}: {self.reason} (until {self.until})"


def parse_known_issues(value: Any, where: str) -> tuple[KnownIssue, ...]:
    """The known issues of the board whose table is ``where``. Raises SettingsError."""
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise SettingsError(f"{where}.known_issues is not a list of tables", hint=f"write [{_EXAMPLE}]")
    return tuple(_issue(entry, f"known issue {number} of {where}") for number, entry in enumerate(value, start=1))


def excuse(issues: Iterable[KnownIssue], test: str, board: str, today: datetime.date) -> str:
    """Why a failure of ``test`` on ``board`` is excused ``today``; empty if it is not."""
    for issue in issues:
        if issue.matches(test, board) and not issue.is_over(today):
            return f"known issue of {board} until {issue.until}: {issue.reason}"
    return ""


def remarks(
    issues: Iterable[KnownIssue], board: str, outcomes: Mapping[str, str], today: datetime.date
) -> Iterator[str]:
    """A sentence for each known issue that is over, or whose tests pass; ``outcomes`` are those on ``board``."""
    for issue in issues:
        matching = {test: outcome for test, outcome in outcomes.items() if issue.matches(test, board)}
        passed = [test for test, outcome in matching.items() if outcome in PASSED]
        if issue.is_over(today):
            yield (
                f"{board}: the known issue {issue.reason!r} of {issue.tests} was to end by {issue.until} and excuses "
                "nothing since: fix it, give it a new date, or take it out"
            )
        elif passed and all(outcome in PASSED for outcome in matching.values()):
            tests = passed[0] if len(passed) == 1 else f"all {len(passed)} tests"
            known = f"the known issue {issue.reason!r} of {issue.tests}"
            yield f"{board}: {tests} passed in spite of {known}: take it out"


def _issue(entry: Mapping[str, Any], where: str) -> KnownIssue:
    for key in entry:
        if key not in KEYS:
            raise unknown_key(key, list(KEYS), where)
    for key in KEYS:
        if key not in entry:
            raise SettingsError(f"{where} says no {key!r}", hint=f"write {_EXAMPLE}")
    texts = {}
    for key in ("tests", "what"):
        if not isinstance(entry[key], str) or not entry[key].strip():
            raise SettingsError(f"{where}: {key} is not a text", hint=f"write {_EXAMPLE}")
        texts[key] = " ".join(entry[key].split())
    return KnownIssue(texts["tests"], texts["what"], _date(entry["until"], where))


def _date(value: Any, where: str) -> datetime.date:
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(value)
    except (TypeError, ValueError):
        shown = repr(value)[:40]
        raise SettingsError(f"{where}: until = {shown} is not a date", hint="write until = 2026-12-31") from None


def _names(test: str, board: str) -> Iterator[str]:
    """What a test may be called: its id, file and name, each also without folders, and without the board's part."""
    path, separator, name = test.partition("::")
    parameters = ""
    if name.endswith("]") and "[" in name:
        name, _, parameters = name[:-1].partition("[")
        parts = {parameters, parameters.removeprefix(f"{board}-"), parameters.removesuffix(f"-{board}")}
        parts |= {parameters.replace(f"-{board}-", "-", 1), "" if parameters == board else parameters}
        names = [name, *(f"{name}[{part}]" for part in sorted(parts) if part)]
    else:
        names = [name]
    for place in (path, path.rpartition("/")[2]):
        yield place
        yield from (f"{place}{separator}{each}" for each in names)
    for each in names:
        yield each
        yield each.rpartition("::")[2]
