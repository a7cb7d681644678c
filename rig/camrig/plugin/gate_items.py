"""The gate as pytest sees it: a test item for each metric with a limit, run after all others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from camrig.compare.stored import StoredComparison
from camrig.errors import BlockedError, CamrigError
from camrig.gate.evidence import remove_older
from camrig.gate.verdict import Outcome
from camrig.plugin.run import Run
from camrig.report.gate_table import render_verdict

INCONCLUSIVE = "inconclusive: "  # how the text of a report begins whose metric could not be decided


class RegressedError(Exception):
    """The metric is beyond its limit."""


class InconclusiveError(Exception):
    """The samples do not decide."""


class GateItem(pytest.Item):
    """One metric's answer. No option deselects it: what is not measured is blocked, not passed."""

    def __init__(self, *, gate: StoredComparison, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.gate, self.metric = gate, self.name

    def runtest(self) -> None:
        self.user_properties += self.gate.properties()
        verdict = {verdict.metric: verdict for verdict in self.gate.judge().metrics}[self.metric]
        self.user_properties += [
            ("limit", verdict.limit),
            ("outcome", verdict.outcome.value),
            ("reason", verdict.reason),
        ]
        if verdict.outcome is Outcome.REGRESSED:
            raise RegressedError(verdict.reason)
        if verdict.outcome is Outcome.INCONCLUSIVE:
            raise InconclusiveError(verdict.reason)
        if verdict.outcome is Outcome.BLOCKED:
            raise BlockedError(f"{self.metric} was not judged: {verdict.reason}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, RegressedError):
            return f"regressed: {self.metric}: {excinfo.value}"
        if isinstance(excinfo.value, InconclusiveError):
            return f"{INCONCLUSIVE}{self.metric}: {excinfo.value}"
        return str(excinfo.value) if isinstance(excinfo.value, CamrigError) else super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"gate: {self.metric}"


class _Metrics(pytest.Collector):
    """The parent of the items, which gives them the prefix ``gate::``."""

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        return []


class GatePlugin:
    """The hooks that make items of limits, and keep baseline and evidence at the end of a run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._gate: StoredComparison | None = None
        self._lines: list[str] = []

    def prepare(self) -> StoredComparison:
        """The gate of this run, made once. Raises SettingsError, BaselineError."""
        if self._gate is None:
            self._gate = StoredComparison(self._run.settings, self._run.board_runs)
        return self._gate

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> Iterator[None]:
        result = yield  # whatever deselects and orders tests has done so, --lf, --ff and --nf last of all
        if not self._run.in_use or hasattr(session.config, "workerinput"):
            return result
        try:
            gate = self.prepare()
        except CamrigError as error:
            raise pytest.UsageError(str(error)) from None
        if self._run.settings.compare is not None:
            above = _Metrics.from_parent(session, name="gate", nodeid="gate")
            for metric in gate.limits:
                items.append(GateItem.from_parent(above, name=metric, gate=gate))
        return result

    def pytest_report_teststatus(self, report: Any) -> Any:
        if isinstance(report.longrepr, str) and report.longrepr.startswith(INCONCLUSIVE):
            return "inconclusive", "I", ("INCONCLUSIVE", {"yellow": True})
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        if self._gate is None or session.config.option.collectonly:
            return
        if evidence := self._run.settings.evidence:
            try:
                remove_older(evidence)
            except CamrigError as error:
                raise pytest.UsageError(str(error)) from None

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        result = yield  # exit code and fixtures are settled
        if self._gate is not None and not session.config.option.collectonly:
            try:
                self._keep(self._gate, int(session.exitstatus))
            except CamrigError as error:
                self._lines.append(str(error))
                session.exitstatus = session.exitstatus or error.exit_code
        return result

    def _keep(self, gate: StoredComparison, exit_code: int) -> None:
        settings = self._run.settings
        if settings.save and exit_code == 0:
            self._lines.append(gate.save(settings.save))
        elif settings.save:
            self._lines.append(f"baseline {settings.save}: not saved, because this run did not pass")
        if settings.evidence:
            self._lines.append(gate.keep_evidence(settings.evidence, exit_code))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._gate is not None and self._gate.comparison is not None:
            try:
                verdict = self._gate.judge()
            except CamrigError as error:
                self._lines.append(str(error))
            else:
                terminalreporter.section(f"gate against {self._run.settings.compare}")
                terminalreporter.write_line(
                    render_verdict(self._gate.comparison, verdict, terminalreporter._tw.fullwidth)
                )
        for line in self._lines:
            terminalreporter.write_line(line)
