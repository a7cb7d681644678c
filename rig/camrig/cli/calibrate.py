"""``camrig calibrate``: the library against itself, to learn what this bench can tell apart."""

from __future__ import annotations

import argparse

from camrig.bringup.in_force import run_header
from camrig.cli.command import BOARD_OPTIONS, Command, add_options
from camrig.compare.calibrate import run_calibration
from camrig.compare.limits import limits_of
from camrig.report.gate_table import render_noise, width
from camrig.settings.resolve import Settings


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=int, default=3, choices=range(2, 21), metavar="N", help="sessions (3)")
    parser.add_argument(
        "--batches", type=int, default=27, choices=range(12, 136), metavar="N", help="in each session (27)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed for the random order of requests (0)")
    add_options(parser, *BOARD_OPTIONS, "lib", "app", "baselines", "results")


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    print(run_header(settings, limits_of(settings, paired=True)))
    for result in run_calibration(settings, arguments.runs, arguments.batches, arguments.seed):
        print(f"{result.title}\n{render_noise(result.noise, result.limits, width())}")
    return 0


CALIBRATE = Command(
    "calibrate", "compare the library with itself, to learn what this bench can tell apart", _add_arguments, _run
)
