"""The command ``camrig``: a table of sub-commands, each in a file of its own."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

from camrig.cli.ab import AB
from camrig.cli.baseline import BASELINE
from camrig.cli.calibrate import CALIBRATE
from camrig.cli.command import Command
from camrig.cli.deploy import DEPLOY
from camrig.cli.devices import DEVICES
from camrig.cli.doctor import DOCTOR
from camrig.cli.prove import PROVE
from camrig.cli.sim import SIM
from camrig.cli.verdict import VERDICT
from camrig.errors import CamrigError, SettingsError
from camrig.settings.resolve import Settings, resolve

COMMANDS = (SIM, DEPLOY, DEVICES, DOCTOR, AB, CALIBRATE, BASELINE, VERDICT, PROVE)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(SettingsError.exit_code, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    """The command line. Options that a board needs are the same as pytest's."""
    top = _Parser(
        prog="camrig",
        description="Hardware-in-the-loop rig for camera boards. The suite itself runs with pytest --device SPEC.",
    )
    top.add_argument("--version", action="version", version=f"camrig {version('camrig')}")
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        subparser = subparsers.add_parser(command.name, help=command.help)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command; the exit code. Errors are one sentence on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # an encoding that lacks a character costs nobody a verdict
            stream.reconfigure(errors="replace")
    parsed = parser().parse_args(arguments)
    try:
        command: Command = parsed.run
        needed = command.needs_settings
        settings = resolve(vars(parsed), os.environ, Path.cwd()) if needed else Settings()
        return command.run(parsed, settings)
    except CamrigError as error:
        print(f"camrig: {error}", file=sys.stderr)
        if error.details:
            print(f"\n{error.details}", file=sys.stderr)
        return error.exit_code
