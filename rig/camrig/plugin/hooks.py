"""camrig's pytest plugin: options, fixtures, and what a run says at its end. The work is done in the rooms below."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from camrig.board.crash import APPLICATION
from camrig.bringup.board import Board
from camrig.bringup.board_run import Bench
from camrig.dut import Dut
from camrig.errors import EXIT_BLOCKED, EXIT_FAILED, EXIT_INCONCLUSIVE, CamrigError
from camrig.plugin.gate_items import GatePlugin, demand_one_process
from camrig.plugin.run import Run
from camrig.plugin.tracebacks import drop_entries_without_line
from camrig.probe.client import Response
from camrig.probe.preflight import preflight_headers
from camrig.probe.requests_session import HttpSession
from camrig.report.json_report import write
from camrig.report.junit import rig_as_errors
from camrig.report.metrics_table import render
from camrig.settings.argv import joined, mistaken
from camrig.settings.options import OPTIONS
from camrig.settings.resolve import Settings, resolve
from camrig.steps import Step, Steps

SETTINGS = pytest.StashKey[Settings]()
RUN = pytest.StashKey[Run]()
BENCH = pytest.StashKey[Bench]()
ADDOPTS = "PYTEST_ADDOPTS"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("camrig", "camrig: hardware in the loop")
    for option in OPTIONS:
        group.addoption(option.flag, dest=f"camrig_{option.name}", **option.argument)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Starts pytest anew if it has taken the value of an option of ours for a path to tests."""
    given = early_config.invocation_params
    more = shlex.split(os.environ.get(ADDOPTS, ""))
    if mistaken(more, given.dir) or mistaken(given.args, given.dir):
        if more:
            os.environ[ADDOPTS] = shlex.join(joined(more))
        raise SystemExit(pytest.main(joined(given.args), given.plugins))
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    flags = {option.name: config.getoption(f"camrig_{option.name}") for option in OPTIONS}
    here = config.invocation_params.dir
    tests = [here / given.partition("::")[0] for given in config.args]
    try:
        settings = resolve(flags, os.environ, here, *tests, config.rootpath)
        demand_one_process(config, settings)
        run = Run()
        gate = GatePlugin(settings, run.benches)
    except CamrigError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[SETTINGS], config.stash[RUN] = settings, run
    config.pluginmanager.register(gate, "camrig-gate")


def pytest_report_header(config: pytest.Config) -> str | None:
    settings = config.stash[SETTINGS]
    return f"camrig: {settings.source}" if settings.config or settings.compare else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    specs = metafunc.config.stash[SETTINGS].device
    if len(specs) > 1 and "device_spec" in metafunc.fixturenames:
        metafunc.parametrize("device_spec", specs, scope="session")


@pytest.fixture(scope="session")
def device_spec(pytestconfig: pytest.Config) -> str:
    """What ``--device`` names; with several devices, each test runs once for each."""
    return pytestconfig.stash[SETTINGS].device[0]


@pytest.fixture(scope="session")
def bench(pytestconfig: pytest.Config, device_spec: str) -> Bench:
    """Where this run keeps what belongs to one board."""
    found = Bench(device_spec, Steps(_teller(pytestconfig)), pytestconfig.stash[SETTINGS].elf)
    pytestconfig.stash[RUN].benches.append(found)
    return found


@pytest.fixture(scope="session")
def board(pytestconfig: pytest.Config, bench: Bench) -> Iterator[Board]:
    """A reserved board on its wire, deployed to and not yet serving."""
    with Board(bench.spec, pytestconfig.stash[SETTINGS], bench.steps) as found:
        bench.board = found
        found.deploy()
        yield found
        bench.wind_up(pytestconfig.stash[SETTINGS].evidence is not None)


@pytest.fixture(scope="session")
def dut(board: Board, bench: Bench) -> Iterator[Dut]:
    """The booted board: ``dut.url``, ``dut.policy(...)``, ``dut.heap()``, ``dut.console``."""
    yield bench.boot(board)
    bench.settle()


@pytest.fixture(autouse=True)
def _bench_of_test(request: pytest.FixtureRequest) -> None:
    """Lets a board know which test it is in."""
    if "dut" in request.fixturenames:
        bench: Bench = request.getfixturevalue("bench")
        request.node.stash[BENCH] = bench
        request.node.user_properties.extend(bench.properties())
        bench.begin(request.node.nodeid)


@pytest.fixture
def http(dut: Dut) -> Iterator[HttpSession]:
    """A requests session towards the dut: ``http.get("/api/status", headers={"Origin": ...})``."""
    with HttpSession(dut.url, connections=dut.connections) as session:
        yield session


@pytest.fixture
def preflight(dut: Dut) -> Callable[..., Response]:
    """Sends a preflight to the dut and returns the raw response with its phases.

    ``preflight(origin, method="GET", headers=(), path="/api/status")``; ``headers`` are header names.
    """

    def send(
        origin: str | None, method: str | None = "GET", headers: tuple[str, ...] = (), path: str = "/api/status"
    ) -> Response:
        return dut.request("OPTIONS", path, preflight_headers(origin, method, headers))

    return send


@pytest.fixture
def measure(bench: Bench) -> Callable[..., None]:
    """Records samples: ``measure("preflight.total", ms, unit="ms")``, one value or several, taken together.

    ``control`` are samples that no library touches, taken between them; with places ``at``, the values are points
    along something, and their rise is what is judged.
    """

    def record(name: str, values: Any, *, unit: str, control: Any = (), at: Any = ()) -> None:
        bench.recorder.record(name, values, unit, control, at)

    return record


@pytest.fixture
def note(bench: Bench) -> Callable[[str, Any], None]:
    """Keeps plain data beside the figures in the JSON: ``note("latency.order", [...])``."""

    def keep(name: str, value: Any) -> None:
        bench.recorder.notes[name] = value

    return keep


def _teller(config: pytest.Config) -> Callable[[Step | str], None]:
    """Prints a step on the terminal as it ends, whatever pytest captures at the time."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")

    def tell(step: Step | str) -> None:
        if reporter is None or capture is None:
            return
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(f"  {step}")

    return tell


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    if BENCH in item.stash:
        item.stash[BENCH].settle()  # before fixtures clear up, for which they need the board
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    error = call.excinfo.value if call.excinfo else None
    drop_entries_without_line(error)
    report = yield
    bench, run = item.stash.get(BENCH, None), item.config.stash[RUN]
    if bench is None:
        if isinstance(error, CamrigError):
            run.block(report, error)
        return report
    judged = bench.judge(report.when, report.failed, error, report.longreprtext)
    if judged.passed_over:
        report.outcome, report.longrepr = "passed", None
    elif judged.blocked is not None:
        run.block(report, judged.blocked)
    elif judged.failed:
        report.outcome, report.longrepr = "failed", judged.failed
        vars(report).pop("wasxfail", None)  # no crash is an expected failure
    report.sections.extend(judged.sections)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_keyboard_interrupt(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    drop_entries_without_line(excinfo.value)


def pytest_report_teststatus(report: Any) -> Any:
    if getattr(report, "camrig_blocked", False):
        return "blocked", "B", ("BLOCKED", {"yellow": True})
    return None


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Iterator[None]:
    run = session.config.stash[RUN]
    failed = _counts(session.config)
    between = run.crashes_between_tests()
    if exitstatus in (0, EXIT_FAILED) and not failed.get("failed") and not failed.get("error"):
        if APPLICATION in between:
            session.exitstatus = EXIT_FAILED
        elif run.blocked:
            session.exitstatus = next(iter(run.blocked.values())).exit_code
        elif between or failed.get("blocked"):  # the latter in another process, which xdist started
            session.exitstatus = EXIT_BLOCKED
        elif failed.get("inconclusive"):
            session.exitstatus = EXIT_INCONCLUSIVE
    run.exit_code = int(session.exitstatus)
    yield  # pytest writes its XML
    if path := session.config.getoption("xmlpath", None):
        rig_as_errors(path)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    run = config.stash[RUN]
    for error in run.blocked.values():
        terminalreporter.section("the rig is blocked", yellow=True)
        terminalreporter.write_line(str(error))
        if error.details:
            terminalreporter.write_line("")
            terminalreporter.write_line(error.details)
    if not run.blocked:  # in this process, but maybe in one that xdist started
        for why in sorted({str(report.longrepr) for report in terminalreporter.stats.get("blocked", ())}):
            terminalreporter.section("the rig is blocked", yellow=True)
            terminalreporter.write_line(why.removeprefix("blocked: "))
    for bench in run.benches:
        for line in bench.story():
            terminalreporter.write_line(line)
    if not run.benches:
        return
    report = run.report(_counts(config))
    for found in report.boards:
        if found.metrics:
            terminalreporter.section("measured")
            terminalreporter.write_line(render(found, terminalreporter._tw.fullwidth))
    try:
        path = write(report, config.stash[SETTINGS].results)
    except OSError as error:
        terminalreporter.write_line(f"results could not be written: {error}", red=True)
    else:
        terminalreporter.write_line(f"results: {path}")


def _counts(config: pytest.Config) -> dict[str, int]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    names = ("passed", "failed", "error", "skipped", "blocked", "inconclusive")
    return {name: len(reporter.stats.get(name, ())) for name in names} if reporter else {}
