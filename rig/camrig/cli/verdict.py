"""``camrig verdict``: the verdict of a run, computed again from its evidence alone."""

from __future__ import annotations

import argparse
from pathlib import Path

from camrig.cli.ab import show_verdict
from camrig.cli.command import Command
from camrig.gate.evidence import boards_of, recompute, run_ended
from camrig.settings.resolve import Settings
from camrig.stages.stage import worst


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE.zip", help="what --hil-evidence wrote")


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    return show_evidence(arguments.file)


def show_evidence(path: Path) -> int:
    """Print what follows from the evidence ``path``, and return the exit code of its run."""
    from camrig.release.evidence import is_release, recompute_release
    from camrig.release.statement import statement

    if is_release(path):
        material, decision = recompute_release(path)
        assert material.comparison is not None
        assert material.verdict is not None
        show_verdict(material.comparison, material.verdict, verbose=True)
        print(f"\n{statement(material, decision)}")
        print(f"{path}: recomputed from samples, results and record; every member has its digest")
        return decision.exit_code
    boards = boards_of(path) or {"": ""}
    judged = {board: recompute(path, folder) for board, folder in boards.items()}
    exit_code, code = run_ended(path), worst([verdict.exit_code for _, verdict in judged.values()])
    for board, (comparison, verdict) in judged.items():
        if board:
            print(f"{board}:")
        show_verdict(comparison, verdict, verbose=True)
    print(f"{path}: the verdict is the one that its samples and limits give; every member has its digest")
    if exit_code not in (0, code):
        print(f"the run itself ended with exit code {exit_code}: see its report for the tests that did not pass")
    return exit_code or code


VERDICT = Command(
    "verdict",
    "compute the verdict of a run again, from its evidence alone",
    _add_arguments,
    _run,
    needs_settings=False,
)
