"""What becomes of a lost exchange: it is repeated beside controls, before anybody is blamed for it.

A control is a request that the library has no part in. While controls are lost too, the network is in trouble: this
waits until it is back. A request that is lost again and again, each time right after an answered control, is not the
network's doing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from functools import partial
from typing import TypeVar

from camrig.deadline import Deadline
from camrig.errors import AnswerLostError, ServerSilentError
from camrig.measure.losses import CONTROL, ExchangeCounts, LossCount, repeats_to_blame
from camrig.probe.client import LostExchangeError, Phases
from camrig.probe.sampling import reachable_echo, tcp_echo

SECONDS_PER_EXCHANGE = 15.0
SECONDS_OF_SHORT_EXCHANGE = 2.0  # at least, once several exchanges have timed out
TIME_OUTS = 3  # after which exchanges are short
SECONDS_TO_RETURN = 20.0  # from a lost exchange until the server answers again, as after a lost access point
SECONDS_TO_DECIDE = 150.0  # from a lost exchange until it is clear who has lost it
SECONDS_LOST = 120.0  # to lost exchanges, and a third of all time: then no more is lost by repeating them
SECONDS_PER_CONTROL = 3.0
FOLLOWING_CONTROLS = 3  # after an answered one: they show whether the network is good now
PAUSE = 0.2  # seconds between two controls that are lost

T = TypeVar("T")


class ExchangeRetry:
    """Repeats lost exchanges of one board; ``counts`` has every exchange, answered or lost.

    ``control(seconds)`` makes a request without CORS, and raises LostExchangeError.
    """

    def __init__(self, counts: ExchangeCounts, control: Callable[[float], object]) -> None:
        self.counts = counts
        self._control = control
        self._slowest = 0.0  # seconds of the slowest exchange that was answered
        self._time_outs = 0
        self._start, self._seconds_lost = time.monotonic(), 0.0
        self._blamed: set[Hashable] = set()
        self._unrepeated: dict[Hashable, int] = {}  # losses in a row of requests that are not repeated

    def __call__(
        self,
        name: str,
        kind: str,
        send: Callable[[float], T],
        check_board: Callable[[str], None],
        repeatable: bool = True,
        key: Hashable = None,
    ) -> T:
        """The result of ``send(seconds)``, which is repeated when it raises LostExchangeError.

        ``check_board(name)`` raises what the console says of the board, if it is down. ``key`` is the same for the
        same request. Raises AnswerLostError for a request that is lost again and again
        while controls are answered, and ServerSilentError while controls are lost too, for a lost control, and for a
        request that is not ``repeatable``: nobody knows whether it took effect.
        """
        key, start = key or name, time.monotonic()
        try:
            result = self._exchange(kind, send, self._seconds, lambda: check_board(name))
        except LostExchangeError as error:
            loss = _Loss(name, kind, key, error, lambda: check_board(name))
            loss.usual = self.counts.count([CONTROL])
            if self._has_lost_much() and not self._blamed:
                raise _silent(
                    f"{name} got no answer ({error}), and {self._seconds_lost:.0f} s were lost so before"
                ) from None
            try:
                return self._again(loss, send, repeatable or error.cause == "refused")
            finally:
                self._seconds_lost += time.monotonic() - start
        self._unrepeated.pop(key, None)
        return result

    def once(self, kind: str, send: Callable[[float], T]) -> T | None:
        """The result of one exchange that is counted and not repeated; None if it was lost."""
        try:
            return self._exchange(kind, send, self._seconds)
        except LostExchangeError:
            return None

    def ask_control(self, check_board: Callable[[], None] = lambda: None) -> bool:
        """Whether a control is answered."""
        try:
            self._exchange(CONTROL, self._control, SECONDS_PER_CONTROL, check_board)
        except LostExchangeError:
            return False
        return True

    @property
    def _seconds(self) -> float:
        """How long an exchange may take: less once several have timed out, but longer than any that was answered."""
        if self._time_outs < TIME_OUTS:
            return SECONDS_PER_EXCHANGE
        return min(SECONDS_PER_EXCHANGE, max(SECONDS_OF_SHORT_EXCHANGE, 5 * self._slowest))

    def _has_lost_much(self) -> bool:
        return self._seconds_lost > max(SECONDS_LOST, (time.monotonic() - self._start) / 3)

    def _exchange(
        self, kind: str, send: Callable[[float], T], seconds: float, check_board: Callable[[], None] = lambda: None
    ) -> T:
        """One exchange, counted. What went down with the board is neither a request's loss nor a control's."""
        start = time.monotonic()
        try:
            result = send(seconds)
        except LostExchangeError as error:
            end = time.monotonic()
            check_board()
            self.counts.lost(kind, error.cause, start, end)
            self._time_outs += error.cause == "timeout"
            raise
        self.counts.answered(kind)
        self._slowest = max(self._slowest, time.monotonic() - start)
        return result

    def _again(self, loss: _Loss, send: Callable[[float], T], repeatable: bool) -> T:
        """Repeat an exchange that was lost, each time after an answered control, until it is clear who loses it."""
        until = Deadline.after(SECONDS_TO_DECIDE)
        while True:
            self._wait_for_control(loss)
            if loss.kind != CONTROL and self._is_certain(loss, repeatable):
                self._blamed.add(loss.key)
                raise AnswerLostError(loss.sentence, hint="see the console of the board")
            if not repeatable:
                raise _silent(f"{loss.sentence}; it is not repeated, because it may have taken effect")
            repeats = self._repeats(loss)
            if loss.times > repeats or until.passed:
                raise _silent(loss.sentence)
            # A slow answer is not a lost one: before the first blame, the last repeat has all the time.
            last = loss.times == repeats and not self._blamed
            try:
                seconds = SECONDS_PER_EXCHANGE if last else self._seconds
                return self._exchange(loss.kind, send, seconds, loss.check_board)
            except LostExchangeError:
                loss.times += 1

    def _repeats(self, loss: _Loss) -> int:
        if self._blamed:
            return 0 if loss.key in self._blamed else 1  # the run has failed already: save its time
        return repeats_to_blame(self.counts.count([loss.kind]), loss.usual)

    def _is_certain(self, loss: _Loss, repeatable: bool) -> bool:
        if repeatable:
            return loss.times > self._repeats(loss)
        # Other calls have repeated it.
        loss.times = self._unrepeated[loss.key] = self._unrepeated.get(loss.key, 0) + 1
        return loss.times > self._repeats(loss)

    def _wait_for_control(self, loss: _Loss) -> None:
        """Return once controls are answered. Raises ServerSilentError if the server stays silent.

        Only those that follow an answered one show how good the network is: the request itself may have stopped the
        server, for all who ask meanwhile.
        """
        until = Deadline.after(SECONDS_TO_RETURN)
        answered = 0
        while answered <= FOLLOWING_CONTROLS:
            is_answered = self.ask_control(loss.check_board)
            loss.controls += LossCount(int(not is_answered), 1)
            if answered:
                loss.usual += LossCount(int(not is_answered), 1, int(not is_answered))
            answered = answered + 1 if is_answered else 0
            if is_answered:
                continue
            if until.passed:
                raise _silent(f"{loss.name} got no answer ({loss.cause}), and neither did requests without CORS")
            time.sleep(PAUSE)


def repeated_echo(repeat_lost: Callable[..., Phases], host: str, port: int | None) -> Callable[[], Phases] | None:
    """The TCP echo as a control whose losses are repeated by ``repeat_lost``; None if this host cannot reach it."""
    if port is None or reachable_echo(host, port) is None:
        return None
    return partial(repeat_lost, "the TCP echo", partial(tcp_echo, host, port), kind=CONTROL)


class _Loss:
    """A lost exchange, how often it was lost, the controls beside it, and ``usual`` ones that show the network."""

    def __init__(
        self, name: str, kind: str, key: Hashable, cause: LostExchangeError, check_board: Callable[[], None]
    ) -> None:
        self.name, self.kind, self.key, self.cause, self.check_board = name, kind, key, cause, check_board
        self.times = 1
        self.controls = self.usual = LossCount()

    @property
    def sentence(self) -> str:
        times = "once" if self.times == 1 else f"{self.times} times"
        answered, total = self.controls.total - self.controls.lost, self.controls.total
        return (
            f"{self.name} was lost {times} ({self.cause}) while {answered} of {total} requests without CORS "
            "were answered"
        )


def _silent(sentence: str) -> ServerSilentError:
    return ServerSilentError(sentence, hint="check the network, and see the console of the board")
