"""The command ``camrig``: the rooms of the rig without pytest."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from rig.bringup import Board
from rig.errors import CamrigError, SettingsError
from rig.settings import OPTIONS, Settings, resolve
from rig.steps import Steps
from rig.virtual.board import VirtualConfig
from rig.virtual.foreground import run as run_foreground

EXIT_INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """The command line. Options that a board needs are the same as pytest's."""
    top = argparse.ArgumentParser(
        prog="camrig",
        description="Hardware-in-the-loop rig for camera boards. The suite itself runs with pytest --device PORT.",
    )
    top.add_argument("--version", action="version", version=f"camrig {version('camrig')}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    sim = commands.add_parser("sim", help="run a virtual board in the foreground and print the path to connect to")
    _add(sim, "sim_heap")
    sim.add_argument(
        "--flash", type=Path, metavar="FILE", help="keep the board's flash in this image (default: a fresh one)"
    )
    deploy = commands.add_parser("deploy", help="put the library and the application on a board and start it")
    deploy.add_argument(
        "--production", action="store_true", help="without the rig's agent, and removing it where it is"
    )
    _add(deploy, "device", "lib", "app", "baud", "port", "sim_heap", "boot_timeout", "url", "require")
    return top


def _add(command: argparse.ArgumentParser, *names: str) -> None:
    for option in OPTIONS:
        if option.name in names:
            action = "append" if option.many else "store"
            command.add_argument(
                option.flag, dest=option.name, action=action, metavar=option.metavar, help=option.help
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Errors are one sentence on stderr."""
    asked = parser().parse_args(arguments)
    try:
        settings = resolve(vars(asked), os.environ, Path.cwd())
        if asked.command == "sim":
            return _sim(settings, asked.flash)
        return _deploy(settings, asked.production)
    except CamrigError as error:
        print(f"camrig: {error}", file=sys.stderr)
        if error.details:
            print(f"\n{error.details}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("camrig: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def _sim(settings: Settings, flash: Path | None) -> int:
    config = VirtualConfig(heap=settings.sim_heap, flash=flash)
    if settings.wifi is not None:
        config = VirtualConfig(
            heap=settings.sim_heap,
            flash=flash,
            wifi_ssid=settings.wifi.ssid,
            wifi_password=settings.wifi.password,
        )
    return run_foreground(config)


def _deploy(settings: Settings, production: bool) -> int:
    if len(settings.device) != 1:
        raise SettingsError("deploy takes one --device")
    with Board(settings.device[0], settings, Steps(print)) as board:
        board.deploy(production)
        print(f"{board.spec} serves at {board.boot(production).url}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
