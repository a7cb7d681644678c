"""One lost exchange is no reason to throw a session away: what it ended is measured again, a few times."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from camrig.deadline import Deadline
from camrig.dut import Dut
from camrig.errors import ServerSilentError

MOST = 5  # exchanges in a session: more are no accident
SECONDS_TO_RETURN = 20.0  # from a lost exchange until the server answers again, as after a lost access point
PAUSE = 0.2  # seconds

T = TypeVar("T")


class Patience:
    """Counts lost exchanges, and bears ``most`` of them."""

    def __init__(self, most: int = MOST, seconds: float = SECONDS_TO_RETURN) -> None:
        self.most, self.seconds = most, seconds
        self.lost = 0

    def __call__(self, dut: Dut, do: Callable[[], T]) -> T:
        """What ``do()`` returns, done again where an exchange was lost and the server answers again in time.

        Raises ServerSilentError for one lost exchange too many or a silent server, and whatever ``do`` raises.
        """
        while True:
            try:
                return do()
            except ServerSilentError as error:
                self.lost += 1
                if self.lost > self.most:
                    raise error.amended(what=f"{error.what}; {self.most} exchanges were lost before") from None
                if not _back(dut, self.seconds):
                    raise


def _back(dut: Dut, seconds: float) -> bool:
    """Whether the server answers, or its board is known to be down, which the next request says better."""
    until = Deadline.after(seconds)
    while not dut.answers():
        if dut.watch.crash is not None:
            return True
        if until.passed:
            return False
        time.sleep(PAUSE)
    return True
