"""The gate as pytest sees it: a test item for each metric with a limit, run after all others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from camrig.errors import BlockedError, CamrigError
from camrig.plugin.run import GATE, Run

if TYPE_CHECKING:
    from camrig.compare.stored import StoredComparison
    from camrig.gate.limits import Limit
    from camrig.gate.verdict import GateVerdict

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
        from camrig.gate.verdict import Outcome

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

    def prepare(self) -> StoredComparison | None:
        """The gate of this run, made once; None where nothing is kept. Raises SettingsError, BaselineError."""
        from camrig.compare.limits import limits_of

        settings = self._run.settings
        limits_of(settings, paired=False)  # a wrong one is an error, also where it is not used
        if self._gate is None and (settings.save or settings.compare or settings.evidence):
            from camrig.compare.stored import StoredComparison

            self._gate = StoredComparison(settings, self._run.board_runs)
        return self._gate

    @property
    def limits(self) -> dict[str, Limit]:
        """The limits that are in force in this run."""
        return self._gate.limits if self._gate else {}

    @property
    def verdict(self) -> GateVerdict | None:
        """The answer of the gate, if it was asked and could decide."""
        if self._gate is None or self._gate.comparison is None:
            return None
        try:
            return self._gate.judge()
        except CamrigError:
            return None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> Iterator[None]:
        result = yield  # whatever deselects and orders tests has done so, --lf, --ff and --nf last of all
        if not self._run.in_use or hasattr(session.config, "workerinput"):
            return result
        try:
            gate = self.prepare()
        except CamrigError as error:
            raise pytest.UsageError(str(error)) from None
        if gate is not None and self._run.settings.compare is not None:
            above = _Metrics.from_parent(session, name=GATE, nodeid=GATE)
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
            from camrig.gate.evidence import remove_older

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
            except Exception as error:
                cause = self._run.sentence(error)
                self._lines.append(str(cause))
                session.exitstatus = session.exitstatus or cause.exit_code
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
            from camrig.report.gate_table import render_verdict

            try:
                verdict = self._gate.judge()
            except Exception as error:
                self._lines.append(str(self._run.keep(error)))
            else:
                terminalreporter.section(f"gate against {self._run.settings.compare}")
                columns, verbose = terminalreporter._tw.fullwidth, self._run.settings.verbose
                terminalreporter.write_line(render_verdict(self._gate.comparison, verdict, columns, verbose))
        for line in self._lines:
            terminalreporter.write_line(line)
