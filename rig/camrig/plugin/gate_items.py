"""The gate as pytest sees it: a test item for each metric with a limit, run after all others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from camrig.bringup.board_run import Bench
from camrig.compare.stored import StoredComparison
from camrig.errors import BlockedError, CamrigError, SettingsError
from camrig.gate.evidence import remove_older
from camrig.gate.verdict import Outcome
from camrig.report.gate_table import render_verdict
from camrig.settings.resolve import VIRTUAL, Settings


class RegressedError(Exception):
    """The metric is beyond its limit."""


class InconclusiveError(Exception):
    """The samples do not tell."""


class GateItem(pytest.Item):
    """One metric's answer. No option deselects it: what is not measured is blocked, not passed."""

    gate: StoredComparison
    metric: str

    def runtest(self) -> None:
        self.user_properties += self.gate.properties()
        found = {verdict.metric: verdict for verdict in self.gate.judge().metrics}[self.metric]
        self.user_properties += [
            ("limit", found.limit),
            ("outcome", found.outcome.value),
            ("reason", found.reason),
        ]
        if found.outcome is Outcome.REGRESSED:
            raise RegressedError(found.reason)
        if found.outcome is Outcome.INCONCLUSIVE:
            raise InconclusiveError(found.reason)
        if found.outcome is Outcome.BLOCKED:
            raise BlockedError(f"{self.metric} was not judged: {found.reason}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, RegressedError):
            return f"regressed: {self.metric}: {excinfo.value}"
        if isinstance(excinfo.value, InconclusiveError):
            return f"inconclusive: {self.metric}: {excinfo.value}"
        return str(excinfo.value) if isinstance(excinfo.value, CamrigError) else super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"gate: {self.metric}"


class _Metrics(pytest.Collector):
    """Stands above the items, so that each is called ``gate::METRIC``."""

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        return []


def demand_one_process(config: pytest.Config, settings: Settings) -> None:
    """Raises SettingsError when xdist spreads out tests that share one board, or whose samples belong together."""
    if config.getoption("dist", "no") == "no" and not hasattr(config, "workerinput"):
        return
    if settings.save or settings.compare or settings.evidence:
        raise SettingsError(
            "no process of several has all samples, so there is no baseline, comparison or evidence with -n",
            hint="leave out -n",
        )
    if any(spec != VIRTUAL for spec in config.getoption("camrig_device") or ()):
        raise SettingsError("with -n each process would want the board for itself", hint="leave out -n")


class GatePlugin:
    """The hooks that make items of limits, and keep baseline and evidence at the end of a run."""

    def __init__(self, settings: Settings, benches: list[Bench]) -> None:
        """Raises SettingsError, BaselineError."""
        self._settings = settings
        self._gate = StoredComparison(settings, benches)
        self._lines: list[str] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> Iterator[None]:
        yield  # whatever deselects and orders tests has done so, --lf, --ff and --nf last of all
        if self._settings.compare is None:
            return
        above = _Metrics.from_parent(session, name="gate", nodeid="gate")
        for metric in self._gate.limits:
            item = GateItem.from_parent(above, name=metric)
            item.gate, item.metric = self._gate, metric
            items.append(item)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        report = yield
        report.camrig_inconclusive = call.excinfo is not None and isinstance(call.excinfo.value, InconclusiveError)
        return report

    def pytest_report_teststatus(self, report: Any) -> Any:
        if getattr(report, "camrig_inconclusive", False):
            return "inconclusive", "I", ("INCONCLUSIVE", {"yellow": True})
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        if self._settings.evidence and not session.config.option.collectonly:
            try:
                remove_older(self._settings.evidence)
            except CamrigError as error:
                raise pytest.UsageError(str(error)) from None

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        yield  # exit code and fixtures are settled
        settings = self._settings
        if session.config.option.collectonly:
            return
        try:
            if settings.save and session.exitstatus == 0:
                self._lines.append(self._gate.save(settings.save))
            elif settings.save:
                self._lines.append(f"baseline {settings.save}: not saved, because this run did not pass")
            if settings.evidence:
                self._lines.append(self._gate.keep_evidence(settings.evidence, int(session.exitstatus)))
        except CamrigError as error:
            self._lines.append(str(error))
            session.exitstatus = session.exitstatus or error.exit_code

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._gate.comparison is not None:
            try:
                verdict = self._gate.judge()
            except CamrigError as error:
                self._lines.append(str(error))
            else:
                terminalreporter.section(f"gate against {self._settings.compare}")
                terminalreporter.write_line(
                    render_verdict(self._gate.comparison, verdict, terminalreporter._tw.fullwidth)
                )
        for line in self._lines:
            terminalreporter.write_line(line)
