"""``camrig devices``: the attached boards and who uses them."""

from __future__ import annotations

import argparse
import sys

from camrig.cli.command import Command, add_options
from camrig.lab import listing
from camrig.settings.resolve import Settings


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--probe",
        action="store_true",
        help="ask each free board for chip, MAC and firmware: interrupts what it runs, and starts it again",
    )
    add_options(parser, "device", "coordinator", "baud", "lines")


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    rows = listing.rows(settings, arguments.probe, lambda line: print(line, file=sys.stderr))
    print(listing.as_json(rows) if arguments.json else listing.as_table(rows))
    return 0


DEVICES = Command("devices", "list the attached boards and who uses them", _add_arguments, _run)
