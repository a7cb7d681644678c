"""A few lost exchanges do not end a session: what they interrupted is measured again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from camrig.deadline import Deadline
from camrig.dut import Dut
from camrig.errors import ServerSilentError

MAX_LOST = 5  # exchanges in a session; beyond that something is wrong
SECONDS_TO_RETURN = 20.0  # from a lost exchange until the server answers again, as after a lost access point
PAUSE = 0.2  # seconds

T = TypeVar("T")


class LostExchangeRetry:
    """Repeats actions that lost an exchange, at most ``max_lost`` times in all; ``lost`` counts them."""

    def __init__(self, max_lost: int = MAX_LOST, seconds: float = SECONDS_TO_RETURN) -> None:
        self.max_lost, self.seconds = max_lost, seconds
        self.lost = 0

    def __call__(self, dut: Dut, action: Callable[[], T]) -> T:
        """The result of ``action()``, repeated after each lost exchange once the server answers again.

        Raises ServerSilentError after too many lost exchanges or when the server stays silent, and whatever else
        ``action`` raises.
        """
        while True:
            try:
                return action()
            except ServerSilentError as error:
                self.lost += 1
                if self.lost > self.max_lost:
                    raise error.amended(what=f"{error.what}; {self.max_lost} exchanges were lost before") from None
                if not _is_back(dut, self.seconds):
                    raise


def _is_back(dut: Dut, seconds: float) -> bool:
    """Whether the server answers, or its board is known to be down, which the next request reports better."""
    until = Deadline.after(seconds)
    while not dut.answers():
        if dut.crash_monitor.crash is not None:
            return True
        if until.passed:
            return False
        time.sleep(PAUSE)
    return True
