"""The fixtures that tests see, and the private ones below them, whose names no conftest takes by accident."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest

from camrig.plugin.run import AIR_PLUGIN, RUN

if TYPE_CHECKING:
    from camrig.bringup.board import Board
    from camrig.bringup.board_run import BoardRun
    from camrig.dut import Dut
    from camrig.plugin.air_time import AirTime
    from camrig.probe.browser.tabs import Tabs
    from camrig.probe.client import Response
    from camrig.probe.requests_session import HttpSession


@pytest.fixture(scope="session")
def _camrig_device(pytestconfig: pytest.Config) -> str:
    """What ``--device`` names; with several devices, each test runs once for each."""
    return pytestconfig.stash[RUN].settings.device[0]


@pytest.fixture(scope="session")
def _camrig_board_run(pytestconfig: pytest.Config, _camrig_device: str) -> BoardRun:
    """Where this run keeps what belongs to one board. Files that cannot be deployed need none."""
    run = pytestconfig.stash[RUN]
    board_run = run.board_run(_camrig_device)
    with run.bringing_up(board_run):
        if run.fault is not None:
            raise run.fault
    return board_run


@pytest.fixture(scope="session")
def _camrig_board(pytestconfig: pytest.Config, _camrig_board_run: BoardRun) -> Iterator[Board]:
    run = pytestconfig.stash[RUN]
    with ExitStack() as stack:
        with run.bringing_up(_camrig_board_run):
            board = stack.enter_context(_camrig_board_run.reserved(run.settings))
        yield board
        _camrig_board_run.keep_console()
        run.at_end(partial(_camrig_board_run.keep_files, run.settings))


@pytest.fixture(scope="session")
def _camrig_dut(pytestconfig: pytest.Config, _camrig_board: Board, _camrig_board_run: BoardRun) -> Iterator[Dut]:
    run = pytestconfig.stash[RUN]
    with run.bringing_up(_camrig_board_run):
        dut = _camrig_board_run.boot(_camrig_board, confirm=False)
    _air_time(pytestconfig).take_early(_camrig_board_run)  # fixtures of a wide scope may measure, too
    yield dut
    board_run = _camrig_board_run
    run.at_end(board_run.hear_out, board_run.recover_if_down, board_run.examine_losses, board_run.confirm_firmware)


@pytest.fixture(scope="session")
def board(_camrig_board: Board) -> Board:
    """A reserved board, deployed to and not yet serving."""
    return _camrig_board


@pytest.fixture(scope="session")
def dut(_camrig_dut: Dut) -> Dut:
    """The booted board: ``dut.url``, ``dut.policy(...)``, ``dut.heap()``, ``dut.console``."""
    return _camrig_dut


@pytest.fixture
def http(_camrig_dut: Dut) -> Iterator[HttpSession]:
    """A requests session towards the dut: ``http.get("/api/status", headers={"Origin": ...})``."""
    from camrig.probe.requests_session import HttpSession

    dut = _camrig_dut
    with HttpSession(dut.url, dut.session.name, dut.connections, dut.repeat_lost) as session:
        yield session


@pytest.fixture
def preflight(_camrig_dut: Dut) -> Callable[..., Response]:
    """Sends a preflight to the dut and returns the raw response with its phases.

    ``preflight(origin, method="GET", headers=(), path="/api/status")``; ``headers`` are header names.
    """
    from camrig.probe.preflight import preflight_headers

    def send(
        origin: str | None, method: str | None = "GET", headers: tuple[str, ...] = (), path: str = "/api/status"
    ) -> Response:
        return _camrig_dut.request("OPTIONS", path, preflight_headers(origin, method, headers))

    return send


@pytest.fixture(scope="session")
def tabs(pytestconfig: pytest.Config) -> Iterator[Tabs]:
    """A browser with pages on several origins: ``tabs.ask("localhost", url, scripts.fetch("PUT"), seconds)``.

    Tests that use it are skipped unless ``--hil-browser`` asks for a browser and there is one.
    """
    from camrig.plugin.browser import running_tabs

    with running_tabs(pytestconfig.stash[RUN]) as tabs:
        yield tabs


@pytest.fixture
def _camrig_air(pytestconfig: pytest.Config, _camrig_board_run: BoardRun) -> None:
    """The test has the air of its board to itself, among all that measure."""
    _air_time(pytestconfig).take(_camrig_board_run)


def _air_time(config: pytest.Config) -> AirTime:
    air_time = config.pluginmanager.get_plugin(AIR_PLUGIN)
    assert air_time is not None
    return cast("AirTime", air_time)


@pytest.fixture
def measure(_camrig_board_run: BoardRun, _camrig_air: None) -> Callable[..., None]:
    """Records samples: ``measure("preflight.total", ms, unit="ms")``, one value or several, taken together.

    ``control`` are control samples, which no library touches, taken between them. ``at`` is the x of each point, such
    as the number of requests: the rise of the values over it is what is judged. No other board is measured on the
    same access point or channel meanwhile.
    """

    def record(name: str, values: Any, *, unit: str, control: Any = (), at: Any = ()) -> None:
        _camrig_board_run.recorder.record(name, values, unit, control, at)

    return record


@pytest.fixture
def note(_camrig_board_run: BoardRun) -> Callable[[str, Any], None]:
    """Keeps plain data beside the figures in the JSON: ``note("latency.order", [...])``."""

    def keep(name: str, value: Any) -> None:
        _camrig_board_run.recorder.note(name, value)

    return keep
