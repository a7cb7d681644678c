"""A plugin of pytest for one cycle: where tests still fail that failed last, the others are not run.

pytest's own ``--ff`` brings those to the front. What became of all is written to the file that a variable names.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

RESULT = "CAMRIG_WATCH_RESULT"
LAST_FAILED = "cache/lastfailed"  # pytest's own name for them
OUTCOMES = ("failed", "error", "blocked", "passed", "skipped", "xfailed", "xpassed")
PLUGIN = "camrig-failed-first"


class FailedFirst:
    """``pending`` are the tests of this run that failed last and have not ended."""

    def __init__(self) -> None:
        self.pending: set[str] = set()
        self.first: frozenset[str] = frozenset()
        self.still: set[str] = set()
        self._session: pytest.Session | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        cache = getattr(config, "cache", None)
        last = cache.get(LAST_FAILED, {}) if cache is not None else {}
        self._session = session
        self.first = frozenset(item.nodeid for item in items if item.nodeid in last)
        self.pending = set(self.first) if len(self.first) < len(items) else set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and report.nodeid in self.first:
            self.still.add(report.nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        if nodeid in self.pending:
            self.pending.remove(nodeid)
            if not self.pending and self.still and self._session is not None:
                self._session.shouldfail = "what failed last still fails; the others were not run"


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(FailedFirst(), PLUGIN)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    counts = {name: len(terminalreporter.stats.get(name, ())) for name in OUTCOMES}
    collected = terminalreporter._numcollected - len(terminalreporter.stats.get("deselected", ()))
    ran = sum(counts.values())
    Path(os.environ[RESULT]).write_text(json.dumps({"counts": counts, "not_run": max(0, collected - ran)}))
