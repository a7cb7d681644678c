"""Steps of a chain on the terminal of pytest."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from camrig.steps import Step


def step_printer(config: pytest.Config) -> Callable[[Step | str], None]:
    """Prints a step on the terminal as it ends, even while pytest captures output."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")

    def show(step: Step | str) -> None:
        if reporter is None or capture is None:
            return
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(f"  {step}")

    return show
