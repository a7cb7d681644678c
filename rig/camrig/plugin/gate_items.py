"""The gate as pytest sees it: a test item for each board and each metric with a limit, run after all others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from camrig.errors import BlockedError, CamrigError
from camrig.plugin.fleet import is_fleet, processes
from camrig.plugin.run import GATE, Run

if TYPE_CHECKING:
    from camrig.compare.stored import StoredComparison
    from camrig.gate.limits import Limit
    from camrig.gate.verdict import GateVerdict
    from camrig.plugin.gate_answers import GateAnswer

INCONCLUSIVE = "inconclusive: "  # how the text of a report begins whose metric could not be decided


class RegressedError(Exception):
    """The metric is beyond its limit."""


class InconclusiveError(Exception):
    """The samples do not decide."""


class GateItem(pytest.Item):
    """One metric's answer on one board. No option deselects it: what is not measured is blocked, not passed."""

    def __init__(self, *, gate: StoredComparison, metric: str, judged_board: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.gate, self.metric, self.judged_board = gate, metric, judged_board

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
        return self.path, None, f"gate: {self.name}"


class _Metrics(pytest.Collector):
    """The parent of the items, which gives them the prefix ``gate::``."""

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        return []


class GatePlugin:
    """The hooks that make items of limits, and keep baselines and evidence at the end of a run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._gates: dict[str, StoredComparison] = {}  # by board
        self.answers: list[GateAnswer] = []  # of processes that xdist started
        self._lines: list[str] = []

    def prepare(self) -> dict[str, StoredComparison]:
        """The gate of each board, made once; none where nothing is kept. Raises SettingsError, BaselineError."""
        from camrig.compare.limits import limits_of

        settings = self._run.settings
        limits_of(settings, paired=False)  # a wrong one is an error, also where it is not used
        if not self._gates and (settings.save or settings.compare or settings.evidence):
            from camrig.compare.stored import StoredComparison

            runs = self._run.board_runs
            self._gates = {spec: StoredComparison(settings, runs, spec) for spec in settings.device}
        return self._gates

    @property
    def limits(self) -> dict[str, Limit]:
        """The limits that are in force in this run."""
        return {name: limit for gate in self._gates.values() for name, limit in gate.limits.items()}

    def verdicts(self) -> dict[str, GateVerdict | None]:
        """The answer of each board that this process has run, if the gate was asked and could decide."""
        from camrig.plugin.gate_answers import verdict_of

        return {spec: verdict_of(gate) for spec, gate in self._gates.items() if self._has_run(spec)}

    def own_answers(self, exit_code: int) -> list[GateAnswer]:
        """What the gate says of each board that this process has run, which ends with ``exit_code``."""
        from camrig.plugin.gate_answers import answer_of

        gates = {spec: gate for spec, gate in self._gates.items() if self._has_run(spec)}
        return [answer_of(self._run, spec, gate, exit_code) for spec, gate in gates.items()]

    def _has_run(self, spec: str) -> bool:
        """Whether this process has run the board ``spec``; whoever is alone with all boards has to answer for all."""
        alone = not hasattr(self._run.config, "workerinput")
        return alone or any(board_run.spec == spec for board_run in self._run.board_runs)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> Iterator[None]:
        result = yield  # whatever deselects and orders tests has done so, --lf, --ff and --nf last of all
        is_process = hasattr(session.config, "workerinput")
        try:
            if not self._run.in_use or (is_process and not is_fleet(self._run.settings, processes(session.config))):
                return result
            gates = self.prepare()
        except CamrigError as error:
            if is_process:
                return result  # the process that started this one says so
            raise pytest.UsageError(str(error)) from None
        if self._run.settings.compare is not None:
            above = _Metrics.from_parent(session, name=GATE, nodeid=GATE)
            for spec, gate in gates.items():
                for metric in gate.limits:
                    name = f"{metric}[{spec}]" if len(gates) > 1 else metric
                    items.append(GateItem.from_parent(above, name=name, metric=metric, gate=gate, judged_board=spec))
        return result

    def pytest_report_teststatus(self, report: Any) -> Any:
        if isinstance(report.longrepr, str) and report.longrepr.startswith(INCONCLUSIVE):
            return "inconclusive", "I", ("INCONCLUSIVE", {"yellow": True})
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        if not self._gates or session.config.option.collectonly or hasattr(session.config, "workerinput"):
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
        if self._gates and not session.config.option.collectonly and not hasattr(session.config, "workerinput"):
            from camrig.plugin.gate_answers import keep_evidence

            if not processes(session.config):
                self.answers = self.own_answers(int(session.exitstatus))
            for answer in self.answers:
                self._lines += answer.lines
                session.exitstatus = session.exitstatus or answer.exit_code
            try:
                self._lines += filter(None, [keep_evidence(self._run, self.answers, int(session.exitstatus))])
            except Exception as error:
                cause = self._run.sentence(error)
                self._lines.append(str(cause))
                session.exitstatus = session.exitstatus or cause.exit_code
        return result

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        from camrig.plugin.gate_answers import write_verdicts

        write_verdicts(terminalreporter, self._run, self.answers)
        for line in self._lines:
            terminalreporter.write_line(line)


class GateProcess:
    """A plugin of a process that xdist started: hands over what the gate says of its boards."""

    def __init__(self, gate: GatePlugin) -> None:
        self._gate = gate

    @pytest.hookimpl(wrapper=True, trylast=True)  # fixtures have cleared up, and xdist has not sent its last word
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        result = yield
        from camrig.plugin.many_processes import send_answers

        send_answers(session.config, self._gate.own_answers(int(session.exitstatus)))
        return result
