"""``camrig init``: what a repository needs for its first run."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from camrig.cli.command import Command
from camrig.lab.usb_ports import list_usb_ports
from camrig.settings.resolve import Settings
from camrig.starter.survey import Survey, survey_of
from camrig.starter.write import write_starter


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, nargs="?", default=Path(), help="the repository (the current folder)")


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    folder: Path = arguments.folder
    survey = survey_of(folder)
    for file in write_starter(folder, survey):
        print(file)
    for line in (*_advice(survey), "", *_next_commands(folder, survey)):
        print(line)
    return 0


def _advice(survey: Survey) -> list[str]:
    lines = []
    if survey.others:
        others = ", ".join(folder.as_posix() for folder in survey.others)
        lines.append(f"app is {survey.application}; if it should be {others}, change camrig.toml")
    if survey.application is not None and survey.serves_microdot and not survey.attaches_agent:
        lines.append("to measure on the board, and to change the CORS policy in tests, add to main.py:")
        lines += ["    try:", "        import rig_agent", "    except ImportError:", "        pass", "    else:"]
        lines.append("        rig_agent.attach(app)")
    return lines


def _next_commands(folder: Path, survey: Survey) -> list[str]:
    tests = survey.tests.as_posix()
    change = "" if folder.resolve() == Path.cwd() else f"cd {folder}{' && ' if os.name != 'nt' else '; '}"
    lines = [f"next: {change}pytest {tests}", "      runs the tests on a virtual board"]
    for usb_port in list_usb_ports()[:1]:
        lines += [f"then: pytest {tests} --device {usb_port.port}", "      runs them on the board that is attached"]
    return lines


INIT = Command(
    "init", "set up a repository: settings, a test, a CI workflow", _add_arguments, _run, needs_settings=False
)
