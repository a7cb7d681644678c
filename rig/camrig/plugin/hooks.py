"""camrig's pytest plugin: the hooks, each of which calls the room that does the work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from camrig.board.crash import APPLICATION
from camrig.bringup.board_run import BoardRun
from camrig.errors import EXIT_BLOCKED, EXIT_FAILED, EXIT_INCONCLUSIVE, CamrigError, LibraryError
from camrig.plugin import options
from camrig.plugin.attribution import attribute
from camrig.plugin.causes import CausesSummary, add_differences
from camrig.plugin.fixture_names import FixtureNames
from camrig.plugin.gate_items import GatePlugin
from camrig.plugin.restart import put_back, restart_if_mistaken
from camrig.plugin.run import DEVICE_FIXTURE, RUN, Run, is_blocked, uses_dut
from camrig.plugin.sections import hide_secrets
from camrig.plugin.terminal import counts, write_results, write_summary
from camrig.plugin.tracebacks import drop_entries_without_line
from camrig.report.junit import rig_as_errors

BOARD_RUN = pytest.StashKey[BoardRun]()


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    options.add_options(parser)
    if any(name.endswith("conftest.py") for name, plugin in pluginmanager.list_name_plugin() if plugin):
        options.add_short_names(parser)  # loaded by a conftest, too late for the hook below


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Iterator[None]:
    """Start pytest again if it mistook an option's value for a test path."""
    if restart_if_mistaken(early_config, parser, args):
        return (yield)
    result = yield
    options.add_short_names(parser)
    put_back(early_config, args)
    return result


def pytest_configure(config: pytest.Config) -> None:
    run = config.stash[RUN] = Run(config)
    gate = GatePlugin(run)
    if run.in_use:
        try:
            gate.prepare()
        except CamrigError as error:
            raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(gate, "camrig-gate")
    config.pluginmanager.register(FixtureNames(run), "camrig-fixture-names")
    config.pluginmanager.register(CausesSummary(), "camrig-causes")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    result = yield
    try:
        config.stash[RUN].use(items)
    except CamrigError as error:
        if not hasattr(config, "workerinput"):  # a worker of xdist reports it as what blocks each test
            raise pytest.UsageError(str(error)) from None
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


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    __tracebackhide__ = True  # pytest shows the frames of a failed fixture, and this is none of them
    if not uses_dut(item):
        return (yield)
    broken: CamrigError | None = None
    try:
        board_run = item.stash[BOARD_RUN] = item.config.stash[RUN].board_run_of(item)
        board_run.start_test(item.nodeid)
    except CamrigError as error:
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
    if BOARD_RUN in item.stash:
        item.stash[BOARD_RUN].recover_if_down()  # before fixtures clear up, for which they need the board
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    run = item.config.stash[RUN]
    error = call.excinfo.value if call.excinfo else None
    if run.in_use:
        drop_entries_without_line(error)
    report = yield
    board_run = item.stash.get(BOARD_RUN, None)
    if board_run is None:
        if isinstance(error, CamrigError):
            run.block(report, error)
        return report
    if isinstance(error, LibraryError):  # no test after this one would say anything else
        item.session.shouldfail = f"the library cannot be tested: {error.what}"
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
    if report.failed and not is_blocked(report):
        add_differences(report, error)
    hide_secrets(report)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_keyboard_interrupt(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    drop_entries_without_line(excinfo.value)


def pytest_report_teststatus(report: Any) -> Any:
    return ("blocked", "B", ("BLOCKED", {"yellow": True})) if is_blocked(report) else None


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Iterator[None]:
    run = session.config.stash[RUN]
    tests = counts(session.config)
    between = run.crashes_between_tests()
    if exitstatus in (0, EXIT_FAILED) and not tests.get("failed") and not tests.get("error"):
        if APPLICATION in between or any(board_run.lost_answers for board_run in run.board_runs):
            session.exitstatus = EXIT_FAILED
        elif run.blocked:
            session.exitstatus = next(iter(run.blocked.values())).exit_code
        elif between or tests.get("blocked"):  # the latter in another process, which xdist started
            session.exitstatus = EXIT_BLOCKED
        elif tests.get("inconclusive"):
            session.exitstatus = EXIT_INCONCLUSIVE
    run.exit_code = int(session.exitstatus)
    if not write_results(run, session.config):
        session.exitstatus = session.exitstatus or EXIT_BLOCKED
    result = yield  # pytest writes its XML, and after an interrupt fixtures clear up
    path = session.config.getoption("xmlpath", None)
    if path and (tests.get("blocked") or tests.get("inconclusive")):
        rig_as_errors(path)
    return result


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    write_summary(terminalreporter, config.stash[RUN])
