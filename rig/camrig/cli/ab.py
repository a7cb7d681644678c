"""``camrig ab``: two libraries, two settings of the application, or two firmwares on one board."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from camrig.cli.command import BOARD_OPTIONS, Command, add_options
from camrig.compare.ab import run_ab
from camrig.compare.firmware_ab import run_firmware_ab
from camrig.compare.settings_ab import run_settings_ab
from camrig.errors import SettingsError
from camrig.gate.comparison import Comparison
from camrig.gate.verdict import GateVerdict
from camrig.report.gate_table import render_verdict, width
from camrig.settings.options import seconds
from camrig.settings.resolve import Settings


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--candidate", metavar="DIR", help="the library under test, as for --hil-lib")
    parser.add_argument("--baseline", metavar="DIR", help="the library to compare with, or upstream (Microdot's own)")
    parser.add_argument(
        "--candidate-settings",
        metavar="FILE",
        help="compare settings of the application instead: JSON or TOML with those under test",
    )
    parser.add_argument(
        "--baseline-settings", metavar="FILE", help="the settings to compare with (the application's camrig.json)"
    )
    parser.add_argument(
        "--candidate-firmware", metavar="FILE", help="compare firmware instead: the image under test, .bin"
    )
    parser.add_argument("--baseline-firmware", metavar="FILE", help="the image to compare with")
    parser.add_argument(
        "--seconds",
        type=_seconds,
        default=300.0,
        metavar="SECONDS",
        help="upper limit for measuring times (300)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed for the random order of requests (0)")
    add_options(parser, *BOARD_OPTIONS, "lib", "app", "baselines", "results", "evidence", "verbose")


def _seconds(text: str) -> float:
    try:
        return seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} {error}") from None


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    show = partial(show_verdict, verbose=settings.verbose)
    seconds, seed = arguments.seconds, arguments.seed
    libraries = arguments.candidate, arguments.baseline
    files = arguments.candidate_settings, arguments.baseline_settings
    images = arguments.candidate_firmware, arguments.baseline_firmware
    if sum(map(any, (libraries, files, images))) > 1:
        raise SettingsError(
            "libraries, settings and firmware are compared one at a time",
            hint="name the library of both sides with --hil-lib",
        )
    if any(files):
        return run_settings_ab(settings, *files, seconds, seed, show).exit_code
    if all(images):
        return run_firmware_ab(settings, Path(images[0]), Path(images[1]), seed, show).exit_code
    if all(libraries):
        return run_ab(settings, *libraries, seconds, seed, show).exit_code
    raise SettingsError(
        "there is nothing to compare",
        hint="give --candidate and --baseline, --candidate-settings, or --candidate-firmware and --baseline-firmware",
    )


def show_verdict(comparison: Comparison, verdict: GateVerdict, verbose: bool) -> None:
    """Print the table of a comparison."""
    print(render_verdict(comparison, verdict, width(), verbose))


AB = Command("ab", "compare two libraries, settings or firmwares on one board", _add_arguments, _run)
