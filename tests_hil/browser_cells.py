"""What pages ask of the board, and under which policies: the cells of the browser phase, made from lists.

Every policy is asked the same questions, and more of those that it is about: methods, headers, credentials.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from camrig.probe.browser.page_server import LOCALHOST, LOOPBACK, PAGES, SANDBOX
from cors_expectation import STATUS

Header = tuple[str, str]
CREDENTIALS = ("omit", "same-origin", "include")
JSON_TYPE = ("Content-Type", "application/json")
ONE = ("X-One", "1")

# Methods as a script writes them. Browsers convert six of them to capitals, and no others.
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "put", "Get", "patch", "REPORT", "m-search")
FORBIDDEN_METHODS = ("TRACE", "connect", "TRACK", "BAD METHOD", "")

# Request headers by what they show.
HEADERS: dict[str, tuple[Header, ...]] = {
    "X-One": (ONE,),
    "x-one": (("x-one", "1"),),
    "X-One, empty": (("X-One", ""),),
    "X-Two": (("X-Two", "2"),),
    "X-Two and X-One": (("X-Two", "2"), ONE),
    "20 headers": tuple((f"X-N{number}", "1") for number in range(20)),
    "odd token": (("x!#$%&'*+.^_`|~9-z", "1"),),
    "Cache-Control": (("Cache-Control", "no-cache"),),
    "If-None-Match": (("If-None-Match", '"7"'),),
    "Authorization": (("Authorization", "Bearer 7"),),
    "Authorization and X-One": (("Authorization", "Bearer 7"), ONE),
    "Accept": (("Accept", "application/json"),),
    "Accept, 128 bytes": (("Accept", "a" * 128),),
    "Accept, 129 bytes": (("Accept", "a" * 129),),
    # Each pair of characters is one in UTF-8, and so is the limit: Microdot refuses what is not UTF-8.
    "Accept, 128 bytes above ASCII": (("Accept", "Ã©" * 64),),
    "Accept, 129 bytes above ASCII": (("Accept", "Ã©" * 64 + "a"),),
    "Accept, unsafe byte": (("Accept", "text/html(1)"),),
    "Accept-Language": (("Accept-Language", "de-DE, en;q=0.5"),),
    "Accept-Language, unsafe byte": (("Accept-Language", "de_DE"),),
    "Content-Language": (("Content-Language", "de"),),
    "Range": (("Range", "bytes=0-99"),),
    "Range, open": (("Range", "bytes=100-"),),
    "Range, last bytes": (("Range", "bytes=-100"),),
    "Range, backwards": (("Range", "bytes=9-2"),),
    "Range, two": (("Range", "bytes=0-1,3-4"),),
    "X-HTTP-Method-Override: PUT": (("X-HTTP-Method-Override", "PUT"),),
}
# A script may set these, and no browser sends them: no preflight request, no difference.
DROPPED: dict[str, tuple[Header, ...]] = {
    "Cookie, dropped": (("Cookie", "a=1"),),
    "Host, dropped": (("Host", "elsewhere.example"),),
    "Origin, dropped": (("Origin", "https://panel.example"),),
    "Access-Control-Request-Method, dropped": (("Access-Control-Request-Method", "DELETE"),),
    "Sec-Any, dropped": (("Sec-Any", "1"),),
    "Proxy-Any, dropped": (("Proxy-Any", "1"),),
    "X-Method-Override: trace, dropped": (("X-Method-Override", "trace"),),
}
# With these a script gets a TypeError, before anything is sent.
REFUSED: dict[str, tuple[Header, ...]] = {
    "name with a space": (("X One", "1"),),
    "empty name": (("", "1"),),
    "value with NUL": (("X-One", "a\0b"),),
    "value with a line break": (("X-One", "a\nb"),),
    "value above U+00FF": (("X-One", "ł"),),
}
# Where Chromium leaves the standard, and next to it.
DEVIATING: dict[str, tuple[Header, ...]] = {
    "Save-Data": (("Save-Data", "on"),),
    "Save-Data: off": (("Save-Data", "off"),),
    "DPR": (("DPR", "1.5"),),
    "Width": (("Width", "320"),),
    "Width: 1.5": (("Width", "1.5"),),
    "Viewport-Width": (("Viewport-Width", "320"),),
    "Device-Memory": (("Device-Memory", "4"),),
    "RTT": (("RTT", "50"),),
    "Downlink": (("Downlink", "1.5"),),
    "ECT": (("ECT", "4g"),),
    "ECT: 5g": (("ECT", "5g"),),
    "User-Agent": (("User-Agent", "camera/1"),),
    "Available-Dictionary": (("Available-Dictionary", ":aGk=:"),),
    "Accept, twice 100 bytes": (("Accept", "a" * 100), ("Accept", "b" * 100)),
    "Range of more than 2 to the 63rd": (("Range", "bytes=0-9223372036854775808"),),
}
CONTENT_TYPES = (
    "text/plain",
    "TEXT/Plain",
    "text/plain;charset=UTF-8",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json",
    "application/json; charset=utf-8",
    "text/plain, application/json",
    "text/html",
    "text/plain; charset={",
    "",
)


@dataclass(frozen=True)
class Ask:
    """What a page asks: ``kind`` is how (``fetch``, ``image``, ``stream``, ``events``), ``feature`` what it shows.

    ``mode`` is the ``crossorigin`` of an image, None without that attribute; ``leads_to``, where the board redirects
    elsewhere, whether the page may see the answer from there.
    """

    feature: str
    page: str = LOCALHOST
    method: str = "GET"
    headers: tuple[Header, ...] = ()
    credentials: str = "omit"
    path: str = STATUS
    body: str | None = None
    kind: str = "fetch"
    mode: str | None = None
    label: str = ""
    leads_to: str = ""

    @property
    def name(self) -> str:
        """The request in a few words, without the page."""
        parts = [self.method if self.kind == "fetch" else self.kind, self.label]
        if self.path != STATUS:
            parts.insert(1, self.path)
        if self.kind == "image":
            parts.append(f"crossorigin={self.mode}" if self.mode is not None else "without crossorigin")
        elif self.credentials != "omit":
            parts.append(f"credentials {self.credentials}")
        return " ".join(filter(None, parts))


def _everywhere(ask: Ask) -> Iterator[Ask]:
    return (replace(ask, page=page) for page in PAGES)


def usual() -> list[Ask]:
    """What every policy is asked."""
    return [
        *_everywhere(Ask("origin")),
        *_everywhere(Ask("method", method="PUT")),
        *_everywhere(Ask("credentials", credentials="include")),
        Ask("method", method="HEAD"),
        Ask("method", method="DELETE"),
        Ask("method", method="patch"),
        Ask("header", headers=(ONE,), label="X-One"),
        Ask("content type", method="POST", headers=(JSON_TYPE,), body="{}", label="application/json"),
        Ask("credentials", method="PUT", headers=(JSON_TYPE,), body="{}", credentials="include", label="with JSON"),
    ]


def methods() -> list[Ask]:
    return [
        *(Ask("method", method=method) for method in (*METHODS, *FORBIDDEN_METHODS)),
        *(Ask("method", method=method, headers=(ONE,), label="X-One") for method in ("GET", "POST", "PUT")),
    ]


def headers() -> list[Ask]:
    kinds = {**HEADERS, **DROPPED, **REFUSED, **DEVIATING}
    return [
        *(Ask("header", headers=fields, label=label) for label, fields in kinds.items()),
        *(Ask("header", method="PUT", headers=HEADERS[label], label=label) for label in ("X-One", "Range", "Accept")),
    ]


def content_types() -> list[Ask]:
    return [
        Ask("content type", method="POST", headers=(("Content-Type", value),), body="{}", label=value or "empty")
        for value in CONTENT_TYPES
    ]


def credentials() -> list[Ask]:
    return [
        Ask("credentials", page, method, fields, mode, label="X-One" if fields else "")
        for page, mode, (method, fields) in product(PAGES, CREDENTIALS, (("GET", (ONE,)), ("POST", ()), ("PUT", ())))
    ]


Changes = dict[str, Any]
Subject = Callable[[], list[Ask]]


def policies(origin: Callable[[str], str]) -> dict[str, tuple[Changes, tuple[Subject, ...]]]:
    """Policies by name, each with what it is about; ``origin(page)`` is the origin of a page."""
    page, loopback = origin(LOCALHOST), origin(LOOPBACK)
    every = [page, loopback, SANDBOX]
    similar = [f"{page}/", page.upper(), f"{page}0", page[:-1], page.replace("http:", "https:"), "http://localhost"]
    return {
        "listed": ({"allowed_origins": ["http://192.168.4.2", page]}, (methods, headers, content_types)),
        "no origins": ({"allowed_origins": None}, ()),
        "empty list": ({"allowed_origins": []}, ()),
        "other origins": ({"allowed_origins": ["https://wall.example:8443", "http://192.168.4.2"]}, ()),
        "similar origins": ({"allowed_origins": similar}, ()),
        "a string": ({"allowed_origins": page}, ()),
        "null listed": ({"allowed_origins": [SANDBOX]}, ()),
        "all pages": ({"allowed_origins": every}, (credentials,)),
        "any origin": ({"allowed_origins": "*"}, (methods, headers, credentials)),
        "credentials": ({"allowed_origins": every, "allow_credentials": True}, (credentials, headers)),
        "any origin, credentials": ({"allowed_origins": "*", "allow_credentials": True}, (credentials,)),
        "methods": ({"allowed_origins": every, "allowed_methods": ["GET", "PUT", "PATCH"]}, (methods,)),
        "methods in lower case": ({"allowed_origins": every, "allowed_methods": ["put", "report"]}, (methods,)),
        "no methods": ({"allowed_origins": every, "allowed_methods": []}, ()),
        "asterisk as a method": ({"allowed_origins": every, "allowed_methods": ["*"]}, ()),
        "headers": (
            {"allowed_origins": every, "allowed_headers": ["x-one", "Content-Type", "Authorization"]},
            (headers, content_types),
        ),
        "no headers": ({"allowed_origins": every, "allowed_headers": []}, (content_types,)),
        "asterisk as a header": ({"allowed_origins": every, "allowed_headers": ["*"]}, ()),
        "preflight status 200": ({"allowed_origins": every, "preflight_status": 200}, ()),
        "all at once": (
            {
                "allowed_origins": [page, loopback],
                "allow_credentials": True,
                "allowed_methods": ["GET", "POST", "PUT"],
                "allowed_headers": ["X-One", "content-type"],
                "expose_headers": ["X-Frame"],
                "max_age": 600,
            },
            (credentials,),
        ),
    }


POLICY_NAMES = tuple(policies(lambda page: f"http://{page}:1"))


def cells(subjects: tuple[Subject, ...]) -> list[Ask]:
    """Everything that a policy with these subjects is asked, each once."""
    return list(dict.fromkeys([*usual(), *(ask for subject in subjects for ask in subject())]))
