"""HTTP as a person would write it: a requests session that knows where the board is and never waits for ever."""

from __future__ import annotations

from typing import Any

import requests


class BoardSession(requests.Session):
    """``get("/api/status")`` goes to the board. Proxies of the environment are not asked: the board is near."""

    def __init__(self, url: str, seconds: float = 15.0) -> None:
        super().__init__()
        self.url = url
        self.seconds = seconds
        self.trust_env = False

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", self.seconds)
        kwargs.setdefault("allow_redirects", False)
        target = url.decode() if isinstance(url, bytes) else url
        return super().request(method, self.url + target if target.startswith("/") else target, *args, **kwargs)
