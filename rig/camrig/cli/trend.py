"""``camrig trend``: a page of all nights and boards, with what moved, and since when."""

from __future__ import annotations

import argparse
from pathlib import Path

from camrig.cli.command import Command
from camrig.cli.history import add_filters, chosen
from camrig.errors import HistoryError
from camrig.history.events import RECENT, divided, events, sentence
from camrig.history.fleet import NIGHTS, bounded
from camrig.history.nights import all_nights, board_nights, neighbours_of
from camrig.history.query import Filter
from camrig.history.store import FILE, opened
from camrig.history.trend import trend
from camrig.history.trend_page import trend_page
from camrig.settings.resolve import Settings
from camrig.whole_file import write_whole

PAGE = "trend.html"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the page (trend.html beside the history)")
    add_filters(parser)


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    history = settings.results / FILE
    file: Path = arguments.file or settings.results / PAGE
    filters = chosen(arguments)
    with opened(history) as connection:
        last_nights = bounded(connection, filters)
        boards = board_nights(connection, last_nights)
        near = neighbours_of(connection, boards, last_nights) if filters.board else {}
    if not boards:
        passing = "no run passes this filter" if filters != Filter() else "no run reached a board"
        raise HistoryError(f"there is no trend in {history}: {passing}")
    moved = trend(boards, near)
    recent, _ = divided(events(moved.changes, boards), all_nights(boards.values())[-1])
    try:
        write_whole(file, trend_page(boards, moved).encode())
    except OSError as error:
        raise HistoryError(f"{file} cannot be written: {error.strerror}", hint="name another file") from None
    if last_nights != filters:
        print(f"of {len(boards)} boards only the last {NIGHTS} nights are looked at: --since or --board shows more")
    print(f"the last {RECENT} nights: {sentence(recent)}\ntrend: {file}")
    return 0


TREND = Command("trend", "write a page of all nights and boards: what moved, and since when", _add_arguments, _run)
