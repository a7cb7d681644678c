"""The fixtures that tests see, and the private ones below them, whose names no conftest takes by accident."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from camrig.bringup.board import Board
from camrig.bringup.board_run import BoardRun
from camrig.dut import Dut
from camrig.plugin.run import RUN
from camrig.probe.client import Response
from camrig.probe.preflight import preflight_headers
from camrig.probe.requests_session import HttpSession


@pytest.fixture(scope="session")
def _camrig_device(pytestconfig: pytest.Config) -> str:
    """What ``--device`` names; with several devices, each test runs once for each."""
    return pytestconfig.stash[RUN].settings.device[0]


@pytest.fixture(scope="session")
def _camrig_board_run(pytestconfig: pytest.Config, _camrig_device: str) -> BoardRun:
    """Where this run keeps what belongs to one board. Files that cannot be deployed need none."""
    run = pytestconfig.stash[RUN]
    if run.fault is not None:
        raise run.fault
    return run.board_run(_camrig_device)


@pytest.fixture(scope="session")
def _camrig_board(pytestconfig: pytest.Config, _camrig_board_run: BoardRun) -> Iterator[Board]:
    with _camrig_board_run.reserved(pytestconfig.stash[RUN].settings) as board:
        yield board


@pytest.fixture(scope="session")
def _camrig_dut(_camrig_board: Board, _camrig_board_run: BoardRun) -> Iterator[Dut]:
    yield _camrig_board_run.boot(_camrig_board)
    _camrig_board_run.recover_if_down()
    _camrig_board_run.examine_losses()


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
    dut = _camrig_dut
    with HttpSession(dut.url, connections=dut.connections, repeat_lost=dut.repeat_lost) as session:
        yield session


@pytest.fixture
def preflight(_camrig_dut: Dut) -> Callable[..., Response]:
    """Sends a preflight to the dut and returns the raw response with its phases.

    ``preflight(origin, method="GET", headers=(), path="/api/status")``; ``headers`` are header names.
    """

    def send(
        origin: str | None, method: str | None = "GET", headers: tuple[str, ...] = (), path: str = "/api/status"
    ) -> Response:
        return _camrig_dut.request("OPTIONS", path, preflight_headers(origin, method, headers))

    return send


@pytest.fixture
def measure(_camrig_board_run: BoardRun) -> Callable[..., None]:
    """Records samples: ``measure("preflight.total", ms, unit="ms")``, one value or several, taken together.

    ``control`` are control samples, which no library touches, taken between them. ``at`` is the x of each point, such
    as the number of requests: the rise of the values over it is what is judged.
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
