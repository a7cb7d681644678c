"""The command ``camrig``: the rooms of the rig without pytest."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

from camrig.bringup.board import Board
from camrig.compare.commands import compare, learn
from camrig.deploy.plan import describe
from camrig.deploy.progress import progress_bar
from camrig.doctor.chain import examine
from camrig.errors import EXIT_BLOCKED, CamrigError, SettingsError
from camrig.gate.comparison import Comparison
from camrig.gate.evidence import recompute, run_ended
from camrig.gate.verdict import GateVerdict
from camrig.lab import listing
from camrig.report.gate_table import render_noise, render_verdict, width
from camrig.settings.options import OPTIONS, seconds
from camrig.settings.resolve import Settings, resolve
from camrig.steps import Steps
from camrig.virtual.board import VirtualConfig
from camrig.virtual.command import run_foreground
from camrig.virtual.faults import catalogue

ON_BOARD = ("device", "baud", "port", "sim_heap", "boot_timeout", "url", "require", "lines", "fast", "wait")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(SettingsError.exit_code, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    """The command line. Options that a board needs are the same as pytest's."""
    top = _Parser(
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
    sim.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="FAULT",
        help="make the board misbehave, such as garble@0.01 or guru@ready+0.5; may be given more than once; "
        "help lists all faults",
    )
    deploy = commands.add_parser("deploy", help="put the library and the application on a board and start it")
    deploy.add_argument(
        "--production", action="store_true", help="without the rig's agent, and removing it where it is"
    )
    deploy.add_argument(
        "--dry-run",
        action="store_true",
        help="only list what would be sent, removed and kept; restart the board as it is",
    )
    _add(deploy, "device", "lib", "app", "baud", "port", "sim_heap", "boot_timeout", "url", "require")
    _add(deploy, "lines", "fast", "wait")
    devices = commands.add_parser("devices", help="list the attached boards and who uses them")
    devices.add_argument("--json", action="store_true", help="for programs")
    devices.add_argument(
        "--probe",
        action="store_true",
        help="ask each free board for chip, MAC and firmware: interrupts what it runs, and starts it again",
    )
    _add(devices, "device", "baud", "lines")
    doctor = commands.add_parser("doctor", help="find out what is wrong with a board, and what to do")
    doctor.add_argument("--deploy", action="store_true", help="put library and application on the board first")
    doctor.add_argument(
        "--try-lines",
        action="store_true",
        help="pulse DTR and RTS, which resets the chip, to find out how they are wired",
    )
    _add(
        doctor, "device", "lib", "app", "baud", "port", "sim_heap", "boot_timeout", "url", "require", "lines", "wait"
    )
    ab = commands.add_parser("ab", help="compare two libraries on one board, in one session")
    ab.add_argument("--candidate", required=True, metavar="DIR", help="the library under test, as for --hil-lib")
    ab.add_argument("--baseline", required=True, metavar="DIR", help="the other one, or: upstream (Microdot's own)")
    ab.add_argument(
        "--seconds",
        type=_seconds,
        default=300.0,
        metavar="SECONDS",
        help="how long to take times at most, before giving up (300)",
    )
    ab.add_argument("--seed", type=int, default=0, help="draws every order (0)")
    _add(ab, *ON_BOARD, "app", "baselines", "results", "evidence")
    learn = commands.add_parser(
        "calibrate", help="compare the library with itself, to learn what this bench can tell apart"
    )
    learn.add_argument("--runs", type=int, default=3, choices=range(2, 21), metavar="N", help="sessions (3)")
    learn.add_argument(
        "--batches", type=int, default=27, choices=range(12, 136), metavar="N", help="in each session (27)"
    )
    learn.add_argument("--seed", type=int, default=0, help="draws every order (0)")
    _add(learn, *ON_BOARD, "lib", "app", "baselines", "results")
    verdict = commands.add_parser("verdict", help="work out the verdict of a run again, from its evidence alone")
    verdict.add_argument("file", type=Path, metavar="FILE.zip", help="what --hil-evidence wrote")
    return top


def _seconds(text: str) -> float:
    try:
        return seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} {error}") from None


def _add(command: argparse.ArgumentParser, *names: str) -> None:
    for option in OPTIONS:
        if option.name in names:
            command.add_argument(option.flag, dest=option.name, **option.argument)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Errors are one sentence on stderr."""
    asked = parser().parse_args(arguments)
    try:
        settings = resolve(vars(asked), os.environ, Path.cwd())
        if asked.command == "verdict":
            return _verdict(asked.file)
        if asked.command == "sim":
            return _sim(settings, asked.flash, tuple(asked.fault))
        if asked.command in ("ab", "calibrate"):
            print(settings.source)
        if asked.command == "ab":
            return compare(settings, asked.candidate, asked.baseline, asked.seconds, asked.seed, _show).exit_code
        if asked.command == "calibrate":
            for found_out in learn(settings, asked.runs, asked.batches, asked.seed):
                print(f"{found_out.title}\n{render_noise(found_out.noise, found_out.limits, width())}")
            return 0
        if asked.command == "devices":
            return _devices(settings, asked.probe, asked.json)
        if asked.command == "doctor":
            return _doctor(settings, asked.deploy, asked.try_lines)
        return _deploy(settings, asked.production, asked.dry_run)
    except CamrigError as error:
        print(f"camrig: {error}", file=sys.stderr)
        if error.details:
            print(f"\n{error.details}", file=sys.stderr)
        return error.exit_code


def _sim(settings: Settings, flash: Path | None, faults: tuple[str, ...]) -> int:
    if "help" in faults:
        print(catalogue())
        return 0
    config = VirtualConfig(heap=settings.sim_heap.bytes, flash=flash, faults=faults)
    if settings.wifi is not None:
        config = replace(config, wifi_ssid=settings.wifi.ssid, wifi_password=settings.wifi.password)
    return run_foreground(config)


def _deploy(settings: Settings, production: bool, dry_run: bool) -> int:
    if len(settings.device) != 1:
        raise SettingsError("deploy takes one --device")
    with Board(settings.device[0], settings, Steps(print)) as board:
        if dry_run:
            print(describe(*board.plan(production)))
            board.session.restart()
            return 0
        with progress_bar() as progress:
            board.deploy(production, progress)
        print(f"{board.spec} serves at {board.boot(production).url}")
    return 0


def _verdict(path: Path) -> int:
    comparison, verdict = recompute(path)
    ended = run_ended(path)
    _show(comparison, verdict)
    print(
        f"{path}: the verdict is the one that its samples and limits give; files, console and board are not checked"
    )
    if ended not in (0, verdict.exit_code):
        print(f"the run itself ended with exit code {ended}: see its report for the tests that did not pass")
    return ended or verdict.exit_code


def _show(comparison: Comparison, verdict: GateVerdict) -> None:
    print(render_verdict(comparison, verdict, width()))


def _devices(settings: Settings, probe: bool, as_json: bool) -> int:
    found = listing.rows(settings, probe, lambda line: print(line, file=sys.stderr))
    print(listing.as_json(found) if as_json else listing.as_table(found))
    return 0


def _doctor(settings: Settings, deploy: bool, pulse: bool) -> int:
    if len(settings.device) != 1:
        raise SettingsError("doctor takes one --device")
    return 0 if examine(settings.device[0], settings, deploy=deploy, pulse=pulse) else EXIT_BLOCKED
