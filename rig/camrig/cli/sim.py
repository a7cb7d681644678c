"""``camrig sim``: a virtual board in the foreground."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from camrig.cli.command import Command, add_options
from camrig.settings.resolve import Settings
from camrig.virtual.board import VirtualConfig
from camrig.virtual.command import run_in_foreground
from camrig.virtual.faults import catalogue


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_options(parser, "sim_heap")
    parser.add_argument(
        "--flash", type=Path, metavar="FILE", help="keep the board's flash in this image (default: a fresh one)"
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="FAULT",
        help="make the board misbehave, such as garble@0.01 or guru@ready+0.5; may be given more than once; "
        "help lists all faults",
    )


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    if "help" in arguments.fault:
        print(catalogue())
        return 0
    config = VirtualConfig(heap=settings.sim_heap.bytes, flash=arguments.flash, faults=tuple(arguments.fault))
    if settings.wifi is not None:
        config = replace(config, wifi_ssid=settings.wifi.ssid, wifi_password=settings.wifi.password)
    return run_in_foreground(config)


SIM = Command("sim", "run a virtual board in the foreground and print the path to connect to", _add_arguments, _run)
