"""``camrig history``: every run that was made with a board, listed, imported, pruned and exported."""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path

from camrig.cli.command import Command, add_options
from camrig.errors import HistoryError, SettingsError
from camrig.history.add import import_results
from camrig.history.export import as_csv, as_json
from camrig.history.listing import SHOWN, listing, local
from camrig.history.prune import KEPT, plan
from camrig.history.query import Filter, parse_outcome, parse_since
from camrig.history.store import FILE, opened, remove
from camrig.report.gate_table import width
from camrig.settings.resolve import Settings
from camrig.whole_file import write_whole


def add_filters(parser: argparse.ArgumentParser) -> None:
    """The options that choose runs. Without a default, so that a sub-command's parser keeps what stood before it."""
    options = {
        "board": (
            "BOARD",
            "only this board: its MAC, its name, or what --device named; * and ? stand for anything",
        ),
        "metric": ("METRIC", "only this metric, such as latency.preflight.*"),
        "since": ("DATE", "only runs since this date (2026-11-01), or of the last days (30d)"),
        "outcome": ("OUTCOME", "only runs that passed, failed, or were inconclusive, interrupted or blocked"),
    }
    for name, (metavar, text) in options.items():
        parser.add_argument(f"--{name}", metavar=metavar, help=text, default=argparse.SUPPRESS)
    add_options(parser, "results")
    for action in parser._actions:
        if action.dest == "results":
            action.default = argparse.SUPPRESS


def chosen(arguments: argparse.Namespace) -> Filter:
    """The filter of a command line. Raises SettingsError."""
    now = datetime.datetime.now(datetime.timezone.utc)
    since, outcome = getattr(arguments, "since", ""), getattr(arguments, "outcome", "")
    return Filter(
        getattr(arguments, "board", ""),
        getattr(arguments, "metric", ""),
        parse_since(since, now) if since else "",
        parse_outcome(outcome) if outcome else "",
    )


def _whole(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 100_000:
        raise ValueError
    return number


_whole.__name__ = "whole number"  # argparse names it in its message


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_filters(parser)
    parser.add_argument("--limit", type=_whole, default=SHOWN, metavar="N", help=f"show the last N rows ({SHOWN})")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", help="without one, the runs are listed")
    adding = actions.add_parser("import", help="add runs from files of results, or folders of them")
    adding.add_argument(
        "paths", nargs="+", type=Path, metavar="RESULTS", help="run-….json, or a folder of such files"
    )
    add_filters(adding)
    pruning = actions.add_parser("prune", help="list the old runs that may go, and remove them with --yes")
    pruning.add_argument("--older-than", type=_whole, required=True, metavar="DAYS", help="age from which runs go")
    pruning.add_argument(
        "--keep", type=_whole, default=KEPT, metavar="N", help=f"the last runs of each board stay ({KEPT})"
    )
    pruning.add_argument("--yes", action="store_true", help="remove them")
    add_filters(pruning)
    exporting = actions.add_parser("export", help="write the figures as CSV, or as JSON")
    exporting.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a new file (standard output)")
    exporting.add_argument("--json", action="store_true", help="JSON, also if FILE does not end in .json")
    add_filters(exporting)
    for subparser in (adding, pruning, exporting):
        subparser.set_defaults(subparser=subparser)


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    history = settings.results / FILE
    action = {"import": _import, "prune": _prune, "export": _export, None: _list}[arguments.action]
    return action(arguments, history)


def _list(arguments: argparse.Namespace, history: Path) -> int:
    with opened(history) as connection:
        print(listing(connection, chosen(arguments), width(), max(1, arguments.limit)))
    return 0


def _import(arguments: argparse.Namespace, history: Path) -> int:
    if chosen(arguments) != Filter():
        raise SettingsError(
            "import takes all runs of its files", hint="leave out --board, --metric, --since, --outcome"
        )
    outcome = import_results(history, arguments.paths)
    known = f", {outcome.known} {'was' if outcome.known == 1 else 'were'} there already" if outcome.known else ""
    print(f"{outcome.added} run{'s' * (outcome.added != 1)} added to {history}{known}")
    if outcome.compared:
        print(f"{outcome.compared} comparison{'s' * (outcome.compared != 1)} by camrig ab added")
    for error in outcome.errors:
        print(f"camrig: not added: {error}", file=sys.stderr)
    return HistoryError.exit_code if outcome.errors else 0


def _prune(arguments: argparse.Namespace, history: Path) -> int:
    if chosen(arguments) != Filter():
        raise SettingsError("prune goes by age alone", hint="leave out --board, --metric, --since and --outcome")
    now = datetime.datetime.now(datetime.timezone.utc)
    with opened(history) as connection:
        pruning = plan(connection, parse_since(f"{arguments.older_than}d", now), arguments.keep)
        count = len(pruning.runs)
        stays = f"{pruning.stay} stay"
        if pruning.spared:
            stays += f", {pruning.spared} of them old: the last {arguments.keep} of each board are kept"
        if not count:
            print(f"no run goes: {stays}")
            return 0
        span = f"{count} run{'s' * (count != 1)} from {local(pruning.first)} to {local(pruning.last)}"
        if arguments.yes:
            remove(connection, pruning.runs)
            print(f"removed: {span}; {stays}")
        else:
            print(f"would remove {span}; {stays}\n--yes removes them; their files of results stay in any case")
    return 0


def _export(arguments: argparse.Namespace, history: Path) -> int:
    file: Path | None = arguments.file
    render = as_json if arguments.json or (file and file.suffix.lower() == ".json") else as_csv
    with opened(history) as connection:
        text = render(connection, chosen(arguments))
    if file is None:
        print(text, end="")
        return 0
    try:
        write_whole(file, text.encode(), replace=False)
    except OSError as error:
        raise HistoryError(f"{file} cannot be written: {error.strerror}", hint="name a new file") from None
    return 0


HISTORY = Command("history", "list every run with a board, import, prune and export them", _add_arguments, _run)
