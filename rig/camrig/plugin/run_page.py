"""The page of a run, beside its results: written at the very end, when the exit code is known."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from camrig.errors import EXIT_BLOCKED, CamrigError
from camrig.plugin.run import Run


def page_path(run: Run) -> Path | None:
    """Where the page of this run goes; None for a run without results, and for a part of the tests at a desk.

    A page of a few tests says no more than the terminal, and takes longer than they do.
    """
    if run.results is None or not isinstance(run.results[1], Path):
        return None
    if run.settings.report is not None:
        return run.settings.report
    return None if run.results[0].selection.get("scoped") else run.results[1].with_suffix(".html")


def write_page(run: Run, session: pytest.Session) -> None:
    """Write the page. What keeps it from that is said, and changes the verdict only where the page was asked for."""
    path = page_path(run)
    if path is None or run.results is None or not isinstance(run.results[1], Path):
        return
    from camrig.report.html.page import page
    from camrig.report.results_file import read_results
    from camrig.whole_file import write_whole

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, page(read_results(run.results[1])).encode("utf-8", "backslashreplace"))
        return
    except OSError as error:
        failure = f"the page could not be written to {path}: {error.strerror}"
    except CamrigError as error:
        failure = f"the page could not be made: {error}"
    print(f"camrig: {failure}", file=sys.stderr)
    if run.settings.report is not None:
        session.exitstatus = session.exitstatus or EXIT_BLOCKED
