"""Runs one sub-command of ``camrig``, each of which is in a file of its own. Only the one in use is read."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from camrig.cli.command import Command
from camrig.cli.parser import parser
from camrig.errors import SettingsError
from camrig.settings.bench import ALL
from camrig.settings.resolve import Settings, resolve


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command; the exit code. Errors are one sentence on stderr.

    Without a word it prints help, and ends as for a wrong one: a script that lost its words has done nothing.
    """
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser())
    words = sys.argv[1:] if arguments is None else arguments
    if not words:
        parser().print_help()
        return SettingsError.exit_code
    parsed = parser(words).parse_args(words)
    folders: list[Path] = []  # for the traceback of an exception that nobody expected
    try:
        command: Command = parsed.run
        needed = command.needs_settings
        settings = resolve(vars(parsed), os.environ, Path.cwd()) if needed else Settings()
        if ALL in settings.device:
            from camrig.lab.attached import with_attached

            settings = with_attached(settings)
        folders += [settings.results] if needed else []
        return command.run(parsed, settings)
    except Exception as error:
        from camrig.bug_report import unexpected

        sentence = unexpected(error, *folders)
    print(f"camrig: {sentence}", file=sys.stderr)
    if sentence.details:
        print(f"\n{sentence.details}", file=sys.stderr)
    return sentence.exit_code
