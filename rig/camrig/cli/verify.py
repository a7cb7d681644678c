"""``camrig verify``: who signed the evidence of a release, and whether its verdict follows from it."""

from __future__ import annotations

import argparse
from pathlib import Path

from camrig.cli.command import Command
from camrig.cli.verdict import show_evidence
from camrig.settings.resolve import Settings


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE.zip", help="what camrig release wrote, with its signature")
    parser.add_argument(
        "--key",
        type=Path,
        required=True,
        metavar="FILE",
        help="who may sign: a public key of ssh or minisign, or ssh's file of allowed signers",
    )


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    from camrig.signing.file import verify_file

    who = verify_file(arguments.file, arguments.key)
    code = show_evidence(arguments.file)
    print(f"signed by {who}")
    return code


VERIFY = Command(
    "verify",
    "check the signature of a release, and compute its verdict again",
    _add_arguments,
    _run,
    needs_settings=False,
)
