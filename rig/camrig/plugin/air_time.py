"""A test that measures holds the air of its board from its first fixture that measures to its end.

The order is always the same, the board first and then the air, and the air for one test alone: whoever waits for the
air keeps nobody from a board, and whoever waits for a board holds no air. Waiting counts into no time-out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from camrig.errors import CamrigError
from camrig.plugin.run import MEASURE_FIXTURE, Run

if TYPE_CHECKING:
    from camrig.bringup.board_run import BoardRun
    from camrig.lab.air import Claim


class AirTime:
    """A plugin that takes the air before the clock of a test starts, if its board is up by then."""

    def __init__(self, run: Run, notify: Callable[[str], None]) -> None:
        self._run, self._notify = run, notify
        self._item: pytest.Item | None = None  # the test that runs, if it measures
        self._timer: Any = None  # pytest-timeout's settings, while its clock for this test runs
        self._claim: Claim | None = None
        self._error: CamrigError | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        if MEASURE_FIXTURE not in getattr(item, "fixturenames", ()):
            return (yield)
        self._item, self._timer, self._error = item, None, None
        try:
            board_run = self._run.known_board_run(item)
            if board_run is not None and board_run.board is not None:
                self.take_early(board_run)
            return (yield)
        finally:
            self._item = None
            if self._claim is not None:
                self._claim.release()
                self._claim = None

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_timeout_set_timer(self, settings: Any) -> None:
        self._timer = settings

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_timeout_cancel_timer(self) -> None:
        self._timer = None

    def take_early(self, board_run: BoardRun) -> None:
        """``take()``, whose error is raised when the test itself asks for the air."""
        try:
            self.take(board_run)
        except CamrigError as error:
            self._error = error

    def take(self, board_run: BoardRun) -> None:
        """Hold the air of this board until the present test ends, if it measures. Raises BlockedError."""
        if self._item is None or self._claim is not None or board_run.broken is not None:
            return
        if self._error is not None:
            raise self._error
        from camrig.lab.air import Claim, air_of, take

        names = air_of(self._run.settings, board_run.spec, board_run.radio)
        claim = Claim(names, board_run.spec)
        if claim.advance() is None:
            self._claim = claim
            return
        item, timer = self._item, self._timer
        hook = item.config.pluginmanager.hook
        if timer is not None:
            hook.pytest_timeout_cancel_timer(item=item)
        try:
            self._claim = take(claim, self._notify)
        finally:
            if timer is not None:
                hook.pytest_timeout_set_timer(item=item, settings=timer)
