"""Wrong answers: of a control, which the rig has to explain, or of one of the two libraries."""

from __future__ import annotations

from collections.abc import Callable

from camrig.deploy.hang import Hang
from camrig.deploy.layers import LIBRARY
from camrig.dut import Dut
from camrig.errors import AgentError, AnswerLostError, BlockedError, CamrigError, WrongAnswerError
from camrig.probe.agent import ECHO
from camrig.probe.client import Response
from camrig.probe.request_kinds import RequestKind

AGAIN = 12  # requests, each beside a control, after an answer that seems wrong
MAX_DOUBTFUL = 3  # answers that seemed wrong, while their repetitions were right


def wrong_control(reason: str, board: str) -> AgentError:
    """The error for a control, a request without CORS, that was answered wrongly."""
    return AgentError(
        f"the request without CORS, a control, was answered with {reason}",
        board=board,
        hint="see the console of the board",
    )


def wrong_answer(library: str, request: str, reason: str, board: str, *, is_candidate: bool) -> CamrigError:
    """The error for a ``library`` that answered a ``request``, named in words, wrongly.

    A candidate that does has failed. A baseline that does says nothing about the candidate: it blocks.
    """
    error = WrongAnswerError if is_candidate else BlockedError
    return error(
        f"{library} answers {request} wrongly ({reason}), so its figures would mean nothing",
        board=board,
        hint="fix it first; the test suite shows what else is wrong with it",
    )


def lost_answer(library: str, lost: AnswerLostError, *, is_candidate: bool) -> CamrigError:
    """The error for a ``library`` that does not answer. A candidate has failed, a baseline blocks."""
    error = WrongAnswerError if is_candidate else BlockedError
    return error(f"with {library}: {lost.what}", board=lost.board, hint=lost.hint, details=lost.details)


def hang_error(name: str, hang: Hang, board: str, *, is_candidate: bool) -> CamrigError:
    """The error for a hang while the library ``name`` was at work. Only a candidate that hangs has failed."""
    if hang.layer == LIBRARY:
        words, hint = f"{name} hangs: Ctrl-C found it at {hang.place}", "fix it first"
    else:
        words, hint = f"with {name}: {hang.summary}", "fix it first; no library has caused this"
    error = WrongAnswerError if is_candidate and hang.layer == LIBRARY else BlockedError
    return error(words, board=board, hint=hint, details=hang.details)


class AnswerCheck:
    """Checks the answers of one library in one boot, and asks again before it blames the library.

    ``wrong_answer(request, reason)`` is the error for a request, named in words, that was answered wrongly.
    """

    def __init__(self, dut: Dut, wrong_answer: Callable[[str, str], CamrigError]) -> None:
        self._dut, self._wrong_answer = dut, wrong_answer
        self._doubtful = 0

    def request(self, kind: RequestKind) -> None:
        """Send a request over the network and check its answer."""
        self.check(kind, self._dut.request(*kind.message))

    def check(self, kind: RequestKind, response: Response) -> None:
        """Raise unless an answer is right, or was wrong a few times only and cannot be repeated."""
        if reason := kind.mistake_in(response):
            self.ask_again(kind, reason)

    def ask_again(self, kind: RequestKind, reason: str) -> None:
        """Repeat a request whose answer was wrong for that ``reason``, beside controls that no library answers.

        Raises AgentError if a control is answered wrongly, the library's error if the request is, or was too often.
        """
        for _ in range(AGAIN):
            control = self._dut.request("GET", ECHO)
            if control.status != 200:
                raise wrong_control(f"status {control.status}", self._dut.session.name)
            response = self._dut.request(*kind.message)
            if repeated := kind.mistake_in(response):
                raise self._wrong_answer(kind.words, repeated)
        self._doubtful += 1
        if self._doubtful > MAX_DOUBTFUL:
            raise self._wrong_answer(kind.words, f"{reason}; not each time, but {self._doubtful} times")
