"""A night on several boards: a row for each board, and one page with the boards side by side."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from typing import Any

from camrig.errors import ResultsError
from camrig.nightly.plan import SOAK, SUITE
from camrig.report.answers import correctness
from camrig.report.html.page import page
from camrig.report.json_report import GATE
from camrig.report.results_file import read_results
from camrig.report.run_verdict import WORDS, ending_of, run_verdict
from camrig.report.side_by_side import NightHead
from camrig.report.text_table import text_table
from camrig.stages.stage import StageEnd, worst

COLUMNS = ("board", "suite", "gate", "soak", "verdict")
NOTHING = "–"


@dataclass(frozen=True)
class BoardNight:
    """What a night has found on one board, in words."""

    board: str
    suite: str
    gate: str
    soak: str
    verdict: str


def board_nights(boards: Sequence[str], ends: Sequence[StageEnd]) -> list[BoardNight]:
    """A row for each board; ``ends`` are the stages of the night."""
    return [_board_night(board, [end for end in ends if end.stage.board == board]) for board in boards]


def table(nights: Sequence[BoardNight]) -> str:
    """The rows for a terminal."""
    return text_table(COLUMNS, [astuple(night) for night in nights], COLUMNS)


def night_page(
    boards: Sequence[str], ends: Sequence[StageEnd], code: int, started: str, seconds: float
) -> str | None:
    """The page of a night, in whose folder the results are; None if no suite has left any."""
    suites = [results for end in ends if end.stage.name == SUITE and (results := _results(end)) is not None]
    if not suites:
        return None
    nights = board_nights(boards, ends)
    endings = {night.board: night.verdict for night in nights}
    head = NightHead(
        endings=endings,
        rows=[(stage, [getattr(night, stage) for night in nights]) for stage in COLUMNS[1:-1]],
        links=[_links([end for end in ends if end.stage.board == board]) for board in boards],
    )
    return page(joined(suites, endings, code, started, seconds), night=head)


def _links(ends: Sequence[StageEnd]) -> list[tuple[str, str]]:
    """The pages of a board's stages, which lie beside that of the night."""
    pages = [(end.stage.name, end.results.with_suffix(".html")) for end in ends if end.results is not None]
    return [(stage, path.name) for stage, path in pages if path.is_file()]


def joined(
    suites: Sequence[Mapping[str, Any]], endings: Mapping[str, str], code: int, started: str, seconds: float
) -> dict[str, Any]:
    """The results of several runs as those of one, from ``started`` on, with the boards and tests of each."""
    outcomes = []
    for results in suites:
        delay = _seconds_between(started, results["started"])
        outcomes += [{**test, "start": round(test["start"] + delay, 3)} for test in results["outcomes"]]
    names = dict.fromkeys(name for results in suites for name in results["tests"])
    tests = {name: sum(results["tests"].get(name, 0) for results in suites) for name in names}
    blocked = list(dict.fromkeys(reason for results in suites for reason in results["blocked"]))
    own = [test["outcome"] for test in outcomes if not test["test"].startswith(GATE)]
    correct = correctness({outcome: own.count(outcome) for outcome in own})
    return {
        **suites[0],
        "started": started,
        "seconds": seconds,
        "exit_code": code,
        "verdict": run_verdict(code, correct, blocked, {}, None, endings),
        "correct": correct,
        "tests": tests,
        "blocked": blocked,
        "arguments": ["camrig", "nightly"],
        "interrupted": any(results["interrupted"] for results in suites),
        "gate": None,
        "boards": [board for results in suites for board in results["boards"]],
        "outcomes": outcomes,
    }


def _board_night(board: str, ends: Sequence[StageEnd]) -> BoardNight:
    suite = next((end for end in ends if end.stage.name == SUITE), None)
    soak = next((end for end in ends if end.stage.name == SOAK), None)
    results = _results(suite) if suite is not None else None
    return BoardNight(
        board=board,
        suite=_suite(suite, results),
        gate=_gate(results),
        soak=NOTHING if soak is None else _stage(soak),
        verdict=_word(ends, board),
    )


def _word(ends: Sequence[StageEnd], board: str) -> str:
    codes = [end.code for end in ends if end.stage.board == board]
    return ending_of(worst(codes)) if codes else "blocked"


def _results(end: StageEnd) -> dict[str, Any] | None:
    if end.results is not None:
        with suppress(ResultsError):
            return read_results(end.results)
    return None


def _suite(end: StageEnd | None, results: Mapping[str, Any] | None) -> str:
    """How the tests of the suite ended, without the gate."""
    if end is None:
        return NOTHING
    own = [test["outcome"] for test in (results or {}).get("outcomes", ()) if not test["test"].startswith(GATE)]
    failed, passed = sum(outcome in ("failed", "error") for outcome in own), own.count("passed")
    if failed:
        return f"{failed} of {failed + passed} failed"
    if "blocked" in own or not passed:
        return _stage(end)
    known = own.count("xfailed")
    return f"{passed} passed{f', {known} failed as known' if known else ''}"


def _gate(results: Mapping[str, Any] | None) -> str:
    gate = (results or {}).get("gate")
    if not gate:
        return NOTHING
    verdict = gate["verdict"]
    return f"{verdict['outcome'] if verdict else 'blocked'} against {gate['baseline']}"


def _stage(end: StageEnd) -> str:
    return WORDS.get(end.code, "blocked")


def _seconds_between(first: str, second: str) -> float:
    begin, end = (datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (first, second))
    return max(0.0, (end - begin).total_seconds())
