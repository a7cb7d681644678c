"""The command line of ``camrig``: sub-commands with an example each, and what was meant where a word is mistyped."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from camrig.cli.command import Command
from camrig.errors import SettingsError

# The names of the modules, each of which has its Command under the same name in capitals, and an example.
COMMANDS = {
    "init": "camrig init",
    "deploy": "camrig deploy --device /dev/ttyUSB0 --dry-run",
    "flash": "camrig flash firmware.bin --device /dev/ttyUSB0 --dry-run",
    "devices": "camrig devices --probe",
    "doctor": "camrig doctor --device COM3",
    "view": "camrig view --device /dev/ttyUSB0",
    "lab": "camrig lab setup",
    "quarantine": "camrig quarantine --device /dev/ttyUSB0 'its socket is loose'",
    "watch": "camrig watch tests -k preflight --device /dev/ttyUSB0",
    "sim": "camrig sim --fault guru@ready+0.5",
    "ab": "camrig ab --candidate lib --baseline upstream --device /dev/ttyUSB0",
    "baseline": "camrig baseline list",
    "calibrate": "camrig calibrate --device /dev/ttyUSB0",
    "verdict": "camrig verdict release.zip",
    "release": "camrig release --firmware new.bin --baseline v1 --device auto",
    "verify": "camrig verify release.zip --key release.pub",
    "prove": "camrig prove --quick",
    "nightly": "camrig nightly --soak 2h",
    "soak": "camrig soak --time 2h --device /dev/ttyUSB0",
    "report": "camrig report results -o night.csv",
    "history": "camrig history --board 24:6f:28:aa:10:c4 --since 30d",
    "trend": "camrig trend",
}
EXAMPLES = """examples:
  camrig init                                 set up a repository
  pytest                                      run its tests on a virtual board
  pytest --device /dev/ttyUSB0                run them on a board (COM3 on Windows)
  camrig deploy --device /dev/ttyUSB0         put the application on a board and start it
  camrig doctor --device /dev/ttyUSB0         find out what is wrong with a board

completion of words, for this session:
  eval "$(register-python-argcomplete camrig)"                    bash, zsh
  register-python-argcomplete --shell fish camrig | source        fish
"""
_WRONG_CHOICE = re.compile(r"invalid choice: '([^']*)'")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(SettingsError.exit_code, f"{self.prog}: {message}{self._meant(message)}\n")

    def _meant(self, message: str) -> str:
        """A question for the words that were probably meant; empty if none is near."""
        options = [option for action in self._actions for option in action.option_strings]
        if match := _WRONG_CHOICE.search(message):
            choices = [str(choice) for action in self._actions for choice in action.choices or ()]
            near = difflib.get_close_matches(match[1], choices, n=1)
        elif message.startswith("unrecognized arguments: "):
            words = message.partition(": ")[2].split()
            near = [
                match for word in words for match in difflib.get_close_matches(word.partition("=")[0], options, n=1)
            ]
        else:
            near = []
        return f". Did you mean {' or '.join(dict.fromkeys(near))}?" if near else ""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        parsed, unknown = self.parse_known_args(args, namespace)
        command = getattr(parsed, "run", None)
        if command is not None and command.passes_on:
            parsed.passed_on, parsed.unknown = list(args or ())[1:], unknown
        elif unknown:  # known to the sub-command's parser alone, which can say what was meant
            getattr(parsed, "parser", self).error(f"unrecognized arguments: {' '.join(unknown)}")
        return parsed


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import version

        print(f"camrig {version('camrig')}")
        parser.exit()


def parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The command line, with the sub-command that ``words`` begin with, else with all of them.

    Options that a board needs are the same as pytest's.
    """
    top = _Parser(
        prog="camrig",
        description="Hardware-in-the-loop rig for camera boards. The tests themselves run with pytest --device SPEC.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    first = words[0] if words else ""
    names = () if first == "--version" else (first,) if first in COMMANDS else tuple(COMMANDS)
    for name in names:
        command: Command = getattr(import_module(f"camrig.cli.{name}"), name.upper())
        subparser = subparsers.add_parser(
            command.name,
            help=command.help,
            description=f"{command.help[0].upper()}{command.help[1:]}.",
            epilog=f"example: {COMMANDS[name]}",
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command, parser=subparser)
    return top
