"""``camrig ab``: two libraries on one board, in one session."""

from __future__ import annotations

import argparse
from functools import partial

from camrig.cli.command import BOARD_OPTIONS, Command, add_options
from camrig.compare.ab import run_ab
from camrig.gate.comparison import Comparison
from camrig.gate.verdict import GateVerdict
from camrig.report.gate_table import render_verdict, width
from camrig.settings.options import seconds
from camrig.settings.resolve import Settings


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--candidate", required=True, metavar="DIR", help="the library under test, as for --hil-lib")
    parser.add_argument(
        "--baseline", required=True, metavar="DIR", help="the library to compare with, or upstream (Microdot's own)"
    )
    parser.add_argument(
        "--seconds",
        type=_seconds,
        default=300.0,
        metavar="SECONDS",
        help="upper limit for measuring times (300)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed for the random order of requests (0)")
    add_options(parser, *BOARD_OPTIONS, "app", "baselines", "results", "evidence", "verbose")


def _seconds(text: str) -> float:
    try:
        return seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} {error}") from None


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    candidate, baseline = arguments.candidate, arguments.baseline
    show = partial(show_verdict, verbose=settings.verbose)
    verdict = run_ab(settings, candidate, baseline, arguments.seconds, arguments.seed, show)
    return verdict.exit_code


def show_verdict(comparison: Comparison, verdict: GateVerdict, verbose: bool) -> None:
    """Print the table of a comparison."""
    print(render_verdict(comparison, verdict, width(), verbose))


AB = Command("ab", "compare two libraries on one board, in one session", _add_arguments, _run)
