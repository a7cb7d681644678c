"""``camrig verify``: who signed the evidence of a release, and whether its verdict follows from it."""

from __future__ import annotations

import argparse
from pathlib import Path

from camrig.cli.command import Command
from camrig.cli.verdict import show_evidence
from camrig.errors import EXIT_INCONCLUSIVE, BaselineError
from camrig.release_stage import NOT_A_RELEASE
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
    from camrig.release.evidence import is_rehearsal, is_release
    from camrig.signing.file import verify_file

    who = verify_file(arguments.file, arguments.key)
    if not is_release(arguments.file):
        raise BaselineError(
            f"{arguments.file} is the evidence of a run, not of a release",
            hint="camrig verdict computes its verdict again",
        )
    code = show_evidence(arguments.file)
    print(f"signed by {who}")
    if is_rehearsal(arguments.file):
        print(NOT_A_RELEASE)
        return code or EXIT_INCONCLUSIVE  # whoever asks may ship by this code
    return code


VERIFY = Command(
    "verify",
    "check the signature of a release, and compute its verdict again",
    _add_arguments,
    _run,
    needs_settings=False,
)
