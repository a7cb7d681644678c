"""A ``requests`` session for tests written as users write them: it knows the board's address and always times out."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.poolmanager import PoolManager

from camrig.errors import ServerSilentError
from camrig.probe.connections import Connections


class NoAnswerError(ServerSilentError, requests.ConnectionError):
    """No complete response came: radio, network and a hung server look the same from the host."""


class HttpSession(requests.Session):
    """``get("/api/status")`` goes to the board; proxies named in the environment are not used.

    Its connections are added to ``connections``, whose ``cut`` ends them. A request without a response raises
    NoAnswerError.
    """

    def __init__(self, url: str, seconds: float = 15.0, connections: Connections | None = None) -> None:
        super().__init__()
        self.url = url
        self.seconds = seconds
        self.trust_env = False
        if connections is not None:
            self.mount("http://", _Adapter(connections))

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", self.seconds)
        kwargs.setdefault("allow_redirects", False)
        target = url.decode() if isinstance(url, bytes) else url
        try:
            return super().request(method, self.url + target if target.startswith("/") else target, *args, **kwargs)
        except (requests.ConnectionError, requests.Timeout) as error:
            request = f"{method.decode() if isinstance(method, bytes) else method.upper()} {target}"
            raise NoAnswerError(f"{request} got no answer ({error})", hint="see the console of the board") from None


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
