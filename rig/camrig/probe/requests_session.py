"""A ``requests`` session for tests written as users write them: it knows the board's address and always times out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.poolmanager import PoolManager

from camrig.errors import AnswerLostError, ServerSilentError
from camrig.probe.agent import exchange_kind, is_repeatable
from camrig.probe.client import LostExchangeError
from camrig.probe.connections import Connections

RepeatLost = Callable[..., requests.Response]  # as Dut.repeat_lost


class NoAnswerError(ServerSilentError, requests.ConnectionError):
    """No complete response came: radio, network and a hung server look the same from the host."""


class OnlyThisLostError(AnswerLostError, requests.ConnectionError):
    """No complete response came, again and again, while requests without CORS were answered."""


class HttpSession(requests.Session):
    """``get("/api/status")`` goes to the board; proxies named in the environment are not used.

    Its connections are added to ``connections``, whose ``cut`` ends them. A request without a response is repeated by
    ``repeat_lost``, as those of ``Dut.request`` are, unless a time-out of the caller's own has passed; without a
    response, it raises NoAnswerError or OnlyThisLostError.
    """

    def __init__(
        self,
        url: str,
        seconds: float = 15.0,
        connections: Connections | None = None,
        repeat_lost: RepeatLost | None = None,
    ) -> None:
        super().__init__()
        self.url = url
        self.seconds = seconds
        self.trust_env = False
        self._repeat_lost = repeat_lost
        if connections is not None:
            self.mount("http://", _Adapter(connections))

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("allow_redirects", False)
        target = url.decode() if isinstance(url, bytes) else url
        verb = (method.decode() if isinstance(method, bytes) else method).upper()
        name = f"{verb} {target}"
        own_time_out = "timeout" in kwargs

        def send(seconds: float) -> requests.Response:
            if not own_time_out:
                kwargs["timeout"] = seconds
            full = self.url + target if target.startswith("/") else target
            try:
                return super(HttpSession, self).request(method, full, *args, **kwargs)
            except requests.Timeout as error:
                if own_time_out:
                    raise _no_answer(name, error) from None
                raise LostExchangeError(str(error), "timeout") from None
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
                raise LostExchangeError(str(error), "refused" if "refused" in str(error) else "reset") from None

        if self._repeat_lost is None or not target.startswith("/"):
            try:
                return send(self.seconds)
            except LostExchangeError as error:
                raise _no_answer(name, error) from None
        try:
            kind = exchange_kind(target, dict(kwargs.get("headers") or {}).items())
            return self._repeat_lost(
                name, send, kind=kind, repeatable=is_repeatable(verb, target), key=repr((name, args, kwargs))
            )
        except AnswerLostError as error:
            raise OnlyThisLostError(error.what, board=error.board, hint=error.hint, details=error.details) from None
        except ServerSilentError as error:
            raise NoAnswerError(error.what, board=error.board, hint=error.hint, details=error.details) from None


def _no_answer(name: str, error: Exception) -> NoAnswerError:
    return NoAnswerError(f"{name} got no answer ({error})", hint="see the console of the board")


class _Adapter(HTTPAdapter):
    """The adapter of requests, but the connections that it makes are added to ``connections``."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        connections = self._connections

        class Connection(HTTPConnection):
            def connect(self) -> None:
                if connections.down:  # connecting would take as long as the time-out
                    raise ConnectionAbortedError("the board went down")
                super().connect()
                connections.add(self.sock)

        class Pool(HTTPConnectionPool):
            ConnectionCls = Connection

        assert isinstance(self.poolmanager, PoolManager)
        self.poolmanager.pool_classes_by_scheme = {"http": Pool}
