"""camrig's pytest plugin: the hooks, each of which calls the room that does the work.

A room is imported where a hook needs it: a run without a board imports next to nothing of camrig.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from camrig.errors import (
    EXIT_BLOCKED,
    CamrigError,
    ExpectationError,
    FirmwareBootError,
    LibraryError,
    NotAvailableError,
)
from camrig.output import open_closed_streams
from camrig.plugin import options
from camrig.plugin.air_time import AirTime
from camrig.plugin.causes import CausesSummary, add_differences
from camrig.plugin.exports import add_to_history, export_results, rewrite_results, write_results
from camrig.plugin.fixture_names import FixtureNames
from camrig.plugin.fleet import Fleet, FleetProcess, boards_for_auto, processes
from camrig.plugin.gate_items import GateItem, GatePlugin, GateProcess
from camrig.plugin.outcomes import keep_failure
from camrig.plugin.restart import put_back, restart_if_mistaken
from camrig.plugin.run import AIR_PLUGIN, DEVICE_FIXTURE, GATE_PLUGIN, RUN, Run, is_blocked, uses_board, uses_dut
from camrig.plugin.step_printer import step_printer
from camrig.plugin.terminal import LastingOutput, write_summary
from camrig.plugin.tracebacks import drop_entries_without_line
from camrig.plugin.unexpected import OwnErrors, ending_pytest, is_own

if TYPE_CHECKING:
    from camrig.bringup.board_run import BoardRun

HANGS = 2  # tests that found a hang, after which a run ends
BOARD_RUN: pytest.StashKey[BoardRun] = pytest.StashKey()
LASTING_OUTPUT, FLEET_PLUGIN = "camrig-output", "camrig-fleet"


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    with ending_pytest():
        open_closed_streams()
        options.add_options(parser)
        if any(name.endswith("conftest.py") for name, plugin in pluginmanager.list_name_plugin() if plugin):
            options.add_short_names(parser)  # loaded by a conftest, too late for the hook below


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Iterator[None]:
    """Start pytest again if it mistook an option's value for a test path."""
    with ending_pytest():
        restarted = restart_if_mistaken(early_config, parser, args)
    try:
        result = yield
    except Exception as error:
        from camrig.bug_report import limit_of_computer

        if not limit_of_computer(error) or not options.in_command_line(sys.argv):
            raise
        with ending_pytest():
            raise
    if not restarted:
        with ending_pytest():
            options.add_short_names(parser)
            put_back(early_config, args)
    return result


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    return boards_for_auto(config)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(OwnErrors(config), "camrig-own-errors")
    run = config.stash[RUN] = Run(config)
    gate = GatePlugin(run)
    if run.in_use:
        try:
            gate.prepare()
        except CamrigError as error:
            raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(gate, GATE_PLUGIN)
    process = None

    def show(line: str) -> None:
        step_printer(config)(line)

    if hasattr(config, "workerinput"):
        process = FleetProcess(run, config)
        config.pluginmanager.register(process, FLEET_PLUGIN)
        config.pluginmanager.register(GateProcess(gate), "camrig-gate-process")
    elif processes(config):
        config.pluginmanager.register(Fleet(run, show), FLEET_PLUGIN)
    config.pluginmanager.register(AirTime(run, process.show if process else show), AIR_PLUGIN)
    config.pluginmanager.register(LastingOutput(config), LASTING_OUTPUT)
    config.pluginmanager.register(FixtureNames(run), "camrig-fixture-names")
    config.pluginmanager.register(CausesSummary(), "camrig-causes")


def pytest_itemcollected(item: pytest.Item) -> None:
    item.config.stash[RUN].outcomes.collected += 1


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    result = yield
    try:
        config.stash[RUN].use(items)
    except CamrigError as error:
        if not hasattr(config, "workerinput"):  # a worker of xdist reports it as what blocks each test
            raise pytest.UsageError(str(error)) from None
    run = config.stash[RUN]
    if run.in_use:
        config.pluginmanager.register(run.outcomes, "camrig-outcomes")
    return result


def pytest_report_collectionfinish(config: pytest.Config) -> str | None:
    run = config.stash[RUN]
    if not run.in_use or config.option.verbose < 0 or hasattr(config, "workerinput"):
        return None
    return f"camrig: {run.header}" if run.header else None  # empty where wrong settings end the collection


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if DEVICE_FIXTURE not in metafunc.fixturenames:
        return
    try:
        specs = metafunc.config.stash[RUN].settings.device
    except CamrigError:
        return  # reported as what ends the collection
    if len(specs) > 1:
        metafunc.parametrize(DEVICE_FIXTURE, specs, scope="session")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Leave a test out, without a report, where its board is known not to serve."""
    run = item.config.stash[RUN]
    if not run.leaves_out(item) and not (isinstance(item, GateItem) and run.never_served(item)):
        return None
    run.not_run += 1
    # What earlier tests share with this one would otherwise stay set up, which the next test does not allow.
    call = pytest.CallInfo.from_call(lambda: item.session._setupstate.teardown_exact(nextitem), "teardown")
    if call.excinfo is not None:
        report = item.ihook.pytest_runtest_makereport(item=item, call=call)
        item.ihook.pytest_runtest_logreport(report=report)
    return True


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    __tracebackhide__ = True  # pytest shows the frames of a failed fixture, and this is none of them
    run = item.config.stash[RUN]
    if uses_board(item) or isinstance(item, GateItem):
        run.outcomes.on_board(item.nodeid, run.spec_of(item))
    if not uses_dut(item):
        return (yield)
    broken: Exception | None = None
    try:
        board_run = item.stash[BOARD_RUN] = run.board_run_of(item)
        with run.bringing_up(board_run):
            board_run.start_test(item.nodeid)
    except Exception as error:
        broken = error  # raised below: pytest tears down only what it has set up
    try:
        result = yield
    except Exception:
        if broken is not None:  # whatever the fixtures made of a broken board
            raise broken from None
        raise
    finally:
        if BOARD_RUN in item.stash:
            item.user_properties.extend(item.stash[BOARD_RUN].properties())
    if broken is not None:
        raise broken
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    broken: Exception | None = None
    try:
        if BOARD_RUN in item.stash:
            item.stash[BOARD_RUN].recover_if_down()  # before fixtures clear up, for which they need the board
    except Exception as error:
        broken = error
    result = yield
    if broken is not None:
        raise broken
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    run = item.config.stash[RUN]
    error = call.excinfo.value if call.excinfo else None
    if run.in_use:
        drop_entries_without_line(error)
    report = yield
    overruled = error is not None and report.passed
    if run.in_use and error is not None and is_own(error):
        error = run.sentence(error)
    try:
        overruled &= not _attribute(item, report, error)
    except Exception as failure:
        run.block(report, run.sentence(failure))
    if run.in_use:
        keep_failure(report, overruled or report.failed)
        _hide_secrets(report)
    return report


def _attribute(item: pytest.Item, report: pytest.TestReport, error: BaseException | None) -> bool:
    """Say in the report of a phase whose failure ``error`` is, and show what the board printed.

    Whether the failure is to be ignored.
    """
    run = item.config.stash[RUN]
    board_run = item.stash.get(BOARD_RUN, None)
    if isinstance(error, NotAvailableError):
        path, line, _ = item.reportinfo()
        run.unavailable[str(error)] += 1
        report.outcome, report.longrepr = "skipped", (str(path), (line or 0) + 1, f"Skipped: {error}")
        return False
    if board_run is None:
        if isinstance(error, CamrigError) and not isinstance(error, ExpectationError):
            run.block(report, error)
        return False
    from camrig.plugin.attribution import attribute

    if isinstance(error, LibraryError):  # no test after this one would say anything else
        item.session.shouldfail = f"the library cannot be tested: {error.what}"
    elif isinstance(error, FirmwareBootError):
        item.session.shouldfail = f"the firmware cannot be tested: {error.what}"
    if report.when == "call" and report.passed:
        board_run.record_pass()
    elf = run.settings.elf
    attribution = attribute(board_run, report.when, report.failed, error, report.longreprtext, elf)
    if attribution.ignored:
        report.outcome, report.longrepr = "passed", None
    elif attribution.blocked is not None:
        run.block(report, attribution.blocked)
    elif attribution.failed:
        report.outcome, report.longrepr = "failed", attribution.failed
        vars(report).pop("wasxfail", None)  # a crash is never an expected failure
    report.sections.extend(attribution.sections)
    if (hangs := run.hangs()) and len(hangs) >= HANGS:
        item.session.shouldfail = f"{hangs[-1].summary}; the other tests would wait for it again"
    if report.failed and not is_blocked(report):
        add_differences(report, error)
        if error is not None:
            run.outcomes.explain(item.nodeid, error)
    return attribution.ignored


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    report = yield
    if collector.config.stash[RUN].in_use:
        _hide_secrets(report)
    return report


def _hide_secrets(report: Any) -> None:
    from camrig.plugin.sections import hide_secrets

    hide_secrets(report)


@pytest.hookimpl(tryfirst=True)
def pytest_warning_recorded(warning_message: warnings.WarningMessage) -> None:
    from camrig.plugin.sections import hide_in_warning

    hide_in_warning(warning_message)


@pytest.hookimpl(tryfirst=True)
def pytest_keyboard_interrupt(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    drop_entries_without_line(excinfo.value)


def _ended_by_xdist(config: pytest.Config) -> str:
    """Why xdist ended the run early, such as ``-x``, for which it raises what Ctrl-C does."""
    session = config.pluginmanager.getplugin("dsession")
    reason = str(getattr(session, "shouldstop", None) or "")
    return "" if reason.endswith("received keyboard-interrupt") else reason


def pytest_report_teststatus(report: Any) -> Any:
    return ("blocked", "B", ("BLOCKED", {"yellow": True})) if is_blocked(report) else None


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    from camrig.plugin.many_processes import take_report

    take_report(node.config.stash[RUN], node)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Any:
    run = session.config.stash[RUN]
    if not run.in_use:
        return (yield)
    from camrig.bug_report import limit_of_computer
    from camrig.plugin.browser import demand_browser
    from camrig.plugin.exit_status import set_exit_status
    from camrig.plugin.run_page import write_page

    run.stopped = _ended_by_xdist(session.config)
    if run.stopped and session.exitstatus == pytest.ExitCode.INTERRUPTED:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    run.begin_end(session.exitstatus == pytest.ExitCode.INTERRUPTED)
    if isinstance(fleet := session.config.pluginmanager.get_plugin(FLEET_PLUGIN), Fleet):
        fleet.finish()
    try:
        demand_browser(run, session)
        set_exit_status(run, session)
        run.exit_code = int(session.exitstatus)
        write_results(run, session)
    except Exception as error:
        run.keep(error)
    try:
        with run.interruption.stopped_by_second():
            result = yield  # pytest writes its XML, and after an interrupt fixtures clear up
    except KeyboardInterrupt:
        result = None
    except Exception as error:
        if not is_own(error) and not limit_of_computer(error):
            raise
        print(f"camrig: {run.keep(error)}", file=sys.stderr)
        result = None
    if run.interruption.came:
        session.exitstatus = pytest.ExitCode.INTERRUPTED
    elif run.blocked or (run.results and isinstance(run.results[1], OSError)):
        session.exitstatus = session.exitstatus or EXIT_BLOCKED
    if failure := session.config.pluginmanager.getplugin(LASTING_OUTPUT).failure:
        session.exitstatus = session.exitstatus or EXIT_BLOCKED
        print(f"camrig: the output could not be written: {failure}", file=sys.stderr)
    if run.exit_code != session.exitstatus:
        run.exit_code = int(session.exitstatus)
        rewrite_results(run)
    export_results(run, session.config)
    add_to_history(run)
    write_page(run, session)
    return result


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    run = config.stash[RUN]
    try:
        write_summary(terminalreporter, run)
    except Exception as error:
        terminalreporter.write_line(str(run.keep(error)))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    if RUN in config.stash:
        config.stash[RUN].end_early()
        config.stash[RUN].interruption.restore()
