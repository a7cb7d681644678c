"""The files of a run: its results, and what other programs get of them, JUnit XML and the summary of a job."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from camrig.plugin.run import Run
from camrig.plugin.terminal import correctness_of, counts

if TYPE_CHECKING:
    from camrig.report.json_report import RunReport


def write_results(run: Run, session: pytest.Session) -> None:
    """Write the file of results, before anything slow or interrupted; a process of xdist hands its own over."""
    if not run.board_runs and not run.parts and not run.blocked:
        return
    from camrig.plugin.many_processes import joined, send_report, sends_report
    from camrig.plugin.results import run_report
    from camrig.report.json_report import write

    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    tests, correct = counts(session.config), correctness_of(reporter) if reporter else ""
    if run.parts:
        selection = {"not_run": run.not_run, **({"stopped": run.stopped} if run.stopped else {})}
        report = joined(run.parts, run.exit_code, tests, correct, run.outcomes.records, **selection)
        report = replace(report, blocked=list(dict.fromkeys((*report.blocked, *run.blocked))))
    else:
        report = run_report(run, session, tests, correct)
    if sends_report(session):
        send_report(session.config, report)
    elif report.boards or report.blocked:  # not with --setup-plan
        try:
            run.results = report, write(report, run.settings.results)
        except OSError as error:
            run.results = report, error


def rewrite_results(run: Run) -> None:
    """Give the file of results the exit code that the end of the run has brought."""
    if run.results is not None and isinstance(run.results[1], Path):
        from camrig.report.json_report import rewrite

        with suppress(OSError):  # it stays as it was
            rewrite(_final(run, run.results[0]), run.results[1])


def _results(run: Run) -> dict[str, Any] | None:
    """The results of the run as ``read_results`` reads them, also where they could not be written."""
    if run.results is None:
        return None
    from camrig.report.json_report import data_of
    from camrig.report.results_file import checked_results

    return checked_results(data_of(_final(run, run.results[0])), "results")


def _final(run: Run, report: RunReport) -> RunReport:
    """The report with what the end of the run has brought."""
    blocked = list(dict.fromkeys((*report.blocked, *run.blocked)))
    return replace(report, exit_code=run.exit_code, blocked=blocked, interrupted=run.interruption.came)


def export_results(run: Run, config: pytest.Config) -> None:
    """Complete the JUnit XML that pytest wrote, and append the summary of a job. Nothing of that fails a run.

    A process of xdist does neither: the file may be one of an earlier run.
    """
    if hasattr(config, "workerinput"):
        return
    from camrig.report.junit import rig_as_errors, suite_properties
    from camrig.report.step_summary import VARIABLE, append_summary

    path, summary = config.getoption("xmlpath", None), os.environ.get(VARIABLE)
    if not path and not summary:
        return
    properties = []
    try:
        results = _results(run)
        properties = suite_properties(results) if results else []
        if results and summary:
            append_summary(results, summary)
    except Exception as error:
        print(f"camrig: {run.keep(error)}", file=sys.stderr)
    if path:
        rig_as_errors(path, properties)


def add_to_history(run: Run) -> None:
    """Put the run into the history beside its results. A failure is a sentence, and changes nothing else."""
    if run.results is None or not isinstance(run.results[1], Path):
        return
    try:
        from camrig.history.add import add_results
        from camrig.history.store import FILE

        add_results(run.settings.results / FILE, run.results[1])
    except Exception as error:
        print(f"camrig: the run is not in the history: {run.sentence(error)}", file=sys.stderr)
