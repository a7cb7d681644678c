"""What a script can send with ``fetch()``: the request as a browser sends it, or the TypeError that it throws.

Pure functions after https://fetch.spec.whatwg.org/, whose section numbers are given. Names and values are texts of
which each character is a byte (isomorphic encoding).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
HTTP_WHITESPACE = "\t\n\r "
_NORMALIZED_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT")
_FORBIDDEN_METHODS = ("CONNECT", "TRACE", "TRACK")
_FORBIDDEN_HEADERS = frozenset(
    (
        "accept-charset",
        "accept-encoding",
        "access-control-request-headers",
        "access-control-request-method",
        "connection",
        "content-length",
        "cookie",
        "cookie2",
        "date",
        "dnt",
        "expect",
        "host",
        "keep-alive",
        "origin",
        "referer",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    )
)
_FORBIDDEN_PREFIXES = ("proxy-", "sec-")
_METHOD_HEADERS = ("x-http-method", "x-http-method-override", "x-method-override")


@dataclass(frozen=True)
class PageRequest:
    """What a script passes to ``fetch()``. ``origin`` is that of the page, serialized, or ``null``.

    ``credentials`` is the mode: ``omit``, ``same-origin`` or ``include``; only ``include`` sends credentials to
    another origin. ``headers`` are those that the script sets. Raises TypeError where the script gets one, before
    anything reaches the network: for a method, a name or a value that a request cannot have.
    """

    origin: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    credentials: str = "same-origin"

    def __post_init__(self) -> None:
        if reason := mistake_in_method(self.method) or next(filter(None, map(mistake_in_header, self.headers)), ""):
            raise TypeError(reason)

    @property
    def sent_method(self) -> str:
        """The method as sent: six names are converted to upper case, all others stay as they are (section 2.2.1)."""
        upper = self.method.upper()
        return upper if upper in _NORMALIZED_METHODS else self.method

    @property
    def sent_headers(self) -> tuple[tuple[str, str], ...]:
        """The headers as sent: white space around a value is removed, and forbidden ones are dropped in silence.

        Section 5.1, "append" and "validate" for headers of a request.
        """
        stripped = ((name, normalize(value)) for name, value in self.headers)
        return tuple((name, value) for name, value in stripped if not is_forbidden_header(name, value))


def normalize(value: str) -> str:
    """Section 2.2.2, "normalize a byte sequence": without white space at both ends."""
    return value.strip(HTTP_WHITESPACE)


def mistake_in_method(method: str) -> str:
    """Why a request cannot have this method; empty if it can (section 5.4, the constructor of Request)."""
    if not TOKEN.match(method):
        return f"{method!r} is not a method: it is not a token (section 2.2.1)"
    if method.upper() in _FORBIDDEN_METHODS:
        return f"{method} is a forbidden method (section 2.2.1)"
    return ""


def mistake_in_header(header: tuple[str, str]) -> str:
    """Why a request cannot have this header; empty if it can (section 5.1, "validate")."""
    name, value = header
    if not TOKEN.match(name):
        return f"{name!r} is not the name of a header: it is not a token (section 2.2.2)"
    if any(ord(character) > 0xFF for character in value):
        return f"the value of {name} is not a byte string: a character is above U+00FF (Web IDL, ByteString)"
    if set(normalize(value)) & {"\0", "\n", "\r"}:
        return f"the value of {name} has NUL, CR or LF in it (section 2.2.2)"
    return ""


def is_forbidden_header(name: str, value: str) -> bool:
    """Section 2.2.2, "forbidden request-header": a script that sets one sends a request without it."""
    name = name.lower()
    if name in _FORBIDDEN_HEADERS or name.startswith(_FORBIDDEN_PREFIXES):
        return True
    if name not in _METHOD_HEADERS:
        return False
    return any(method.upper() in _FORBIDDEN_METHODS for method in decode_and_split(value))


def decode_and_split(value: str) -> list[str]:
    """Section 2.2.2, "get, decode, and split": the elements between commas that are outside of quoted strings."""
    elements, start, quoted, escaped = [], 0, False, False
    for position, character in enumerate(value):
        if quoted:
            quoted = escaped or character != '"'
            escaped = not escaped and character == "\\"
        elif character == '"':
            quoted = True
        elif character == ",":
            elements.append(value[start:position].strip("\t "))
            start = position + 1
    return [*elements, value[start:].strip("\t ")]
