"""Steps of a chain on the terminal of pytest."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from camrig.elapsed import DUMB, Rewrite
from camrig.steps import Step, Steps


def terminal_steps(config: pytest.Config) -> Steps:
    """Steps that are shown on the terminal of pytest."""
    return Steps(step_printer(config), _rewriter(config))


def step_printer(config: pytest.Config) -> Callable[[Step | str], None]:
    """Prints a step on the terminal as it ends, even while pytest captures output."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")

    def show(step: Step | str) -> None:
        if reporter is None or capture is None:
            return
        with capture.global_and_fixture_disabled():
            _start_line(reporter)
            reporter.write_line(f"  {step}")

    return show


def _rewriter(config: pytest.Config) -> Rewrite | None:
    """Rewrites the last line of pytest's terminal; None where it writes to something else."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    if reporter is None or capture is None or not reporter.isatty or os.environ.get("TERM") == DUMB:
        return None
    width = 0

    def rewrite(text: str) -> None:
        nonlocal width
        with capture.global_and_fixture_disabled():
            if not width:
                _start_line(reporter)
            line = f"  {text}" if text else ""
            reporter.rewrite(line.ljust(width)[: reporter._tw.fullwidth - 1] + ("" if text else "\r"))
            reporter.flush()
            width = len(line)

    return rewrite


def _start_line(reporter: Any) -> None:
    """End the line of dots; with ``-q`` pytest itself does not know of it."""
    reporter.ensure_newline()
    if reporter._tw.width_of_current_line:
        reporter._tw.line()
