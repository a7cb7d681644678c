"""A ``requests`` session for tests written as users write them: it knows the board's address and always times out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import requests

from camrig.errors import AnswerLostError, ServerSilentError, WrongAnswerError
from camrig.probe.agent import exchange_kind, is_repeatable
from camrig.probe.connections import Connections
from camrig.probe.requests_adapter import ExchangeAdapter, TlsAdapter, deadline_of
from camrig.probe.response_parser import LostExchangeError
from camrig.redaction import excerpt, shortened

MAX_REDIRECTS = 10

RepeatLost = Callable[..., requests.Response]  # as Dut.repeat_lost


class NoAnswerError(ServerSilentError, requests.ConnectionError):
    """No complete response came: radio, network and a hung server look the same from the host."""


class OnlyThisLostError(AnswerLostError, requests.ConnectionError):
    """No complete response came, again and again, while requests without CORS were answered."""


class RedirectError(WrongAnswerError, requests.TooManyRedirects):
    """A redirect that was to be followed leads nowhere, or in a circle."""


class HttpSession(requests.Session):
    """``get("/api/status")`` goes to the board; proxies are not used.

    An exchange has one deadline from connecting to the last byte, redirects included: ``timeout``, or ``seconds``
    without one. Its connections are added to ``connections``, whose ``cut`` ends them. A request without a whole
    response is repeated by ``repeat_lost``, as those of ``Dut.request`` are, unless a time-out of the caller's own
    has passed; then it raises NoAnswerError or OnlyThisLostError.
    """

    def __init__(
        self,
        url: str,
        board: str | None = None,
        connections: Connections | None = None,
        repeat_lost: RepeatLost | None = None,
        seconds: float = 15.0,
    ) -> None:
        super().__init__()
        self.url = url
        self.board = board
        self.seconds = seconds
        self.trust_env = False
        self.max_redirects = MAX_REDIRECTS
        self.headers.update({"Accept-Encoding": "gzip, deflate", "Connection": "close"})
        self._repeat_lost = repeat_lost
        self.mount("http://", ExchangeAdapter(seconds, connections, self._lost_body))
        self.mount("https://", TlsAdapter())

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("allow_redirects", False)
        target = url.decode() if isinstance(url, bytes) else url
        verb = (method.decode() if isinstance(method, bytes) else method).upper()
        name = shortened(f"{verb} {target}")
        own_time_out = kwargs.get("timeout")

        def send(seconds: float) -> requests.Response:
            kwargs["timeout"] = deadline_of(own_time_out, seconds)
            full = self.url + target if target.startswith("/") else target
            try:
                return super(HttpSession, self).request(method, full, *args, **kwargs)
            except LostExchangeError as error:
                if own_time_out is not None and error.cause == "timeout":
                    raise self._no_answer(f"{name} got no answer", error) from None
                raise

        if self._repeat_lost is None or not target.startswith("/"):
            try:
                return send(self.seconds)
            except LostExchangeError as error:
                raise self._no_answer(f"{name} got no answer", error) from None
        try:
            kind = exchange_kind(target, dict(kwargs.get("headers") or {}).items())
            return self._repeat_lost(
                name, send, kind=kind, repeatable=is_repeatable(verb, target), key=repr((name, args, kwargs))
            )
        except AnswerLostError as error:
            raise OnlyThisLostError(error.what, board=error.board, hint=error.hint, details=error.details) from None
        except ServerSilentError as error:
            raise NoAnswerError(error.what, board=error.board, hint=error.hint, details=error.details) from None

    def resolve_redirects(
        self, resp: requests.Response, req: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> Iterator[Any]:
        """As in requests, which also looks at redirects that nobody follows: those may be to anything."""
        try:
            yield from super().resolve_redirects(resp, req, *args, **kwargs)
        except ValueError:  # what every part that reads URLs raises
            if not kwargs.get("yield_requests"):
                raise self._redirect_error(req, f"to {excerpt(resp.headers.get('Location', ''))}") from None
        except requests.TooManyRedirects:
            raise self._redirect_error(req, f"more than {self.max_redirects} times") from None

    def _redirect_error(self, request: requests.PreparedRequest, where: str) -> RedirectError:
        name = shortened(f"{request.method} {request.path_url}")
        return RedirectError(
            f"{name} was redirected {where}", board=self.board, hint="see what the application sends"
        )

    def _lost_body(self, error: Exception) -> NoAnswerError:
        return self._no_answer("the body of a response was lost", error)

    def _no_answer(self, sentence: str, error: Exception) -> NoAnswerError:
        hint = "check the network, and see the console of the board"
        return NoAnswerError(f"{sentence} ({error})", board=self.board, hint=hint)
