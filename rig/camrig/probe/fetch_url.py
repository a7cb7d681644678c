"""Where a Location leads, as the URL standard (https://url.spec.whatwg.org/) reads it.

Only what decides about a page's request is right here to the letter: URLs of http and https. Others have no host.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import unquote_to_bytes, urljoin

PORTS = {"http": 80, "https": 443}

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_EDGES = "".join(map(chr, range(0x21)))  # C0 controls and space
_FORBIDDEN_IN_HOST = re.compile(r"[\x00-\x20#/:<>?@\[\\\]^|%\x7f]")
_LAST_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


@dataclass(frozen=True)
class Url:
    """A URL that has been parsed. ``host`` is serialized; ``text`` is absolute, and otherwise as it was written."""

    text: str
    scheme: str
    host: str = ""
    port: int | None = None
    has_credentials: bool = False

    @property
    def origin(self) -> str:
        """Its origin, serialized: without the usual port, and ``null`` for other schemes than http and https."""
        if self.scheme not in PORTS:
            return "null"
        return f"{self.scheme}://{self.host}" + ("" if self.port is None else f":{self.port}")


def parse_url(text: str, base: str = "") -> Url:
    """The URL ``text``, relative to ``base`` where it is relative. Raises ValueError if it is none."""
    text = text.strip(_EDGES).replace("\t", "").replace("\n", "").replace("\r", "")
    match = _SCHEME.match(text)
    scheme = match[1].lower() if match else base.partition(":")[0].lower()
    if scheme not in PORTS:
        return Url(text, scheme)
    rest = text[match.end() :] if match else text
    path, mark, query = _divided(rest)
    path = path.replace("\\", "/")
    if match and not (path.startswith("//") or base.lower().startswith(f"{scheme}:")):
        path = f"//{path}"  # a slash is missing, or both are
    if not path.startswith("//"):
        return parse_url(urljoin(base, f"{path}{mark}{query}" or "?"))
    path = f"//{path.lstrip('/')}"
    authority = path[2:].partition("/")[0]
    credentials, _, place = authority.rpartition("@")
    host, port = _place(place)
    number = None if port in ("", str(PORTS[scheme])) else int(port)
    return Url(f"{scheme}:{path}{mark}{query}", scheme, host, number, bool(credentials.strip(":")))


def _divided(text: str) -> tuple[str, str, str]:
    """What comes before the query or the fragment, the mark between them, and the rest."""
    match = re.search(r"[?#]", text)
    return (text[: match.start()], match[0], text[match.end() :]) if match else (text, "", "")


def _place(text: str) -> tuple[str, str]:
    """Host and port. The port is empty, or digits without zeros in front."""
    if text.startswith("["):
        host, end, rest = text.partition("]")
        try:
            host = f"[{IPv6Address(host[1:]).compressed}]" if end and "%" not in host else ""
        except AddressValueError:
            host = ""
        port = rest[1:] if rest[:1] == ":" or not rest else "x"
    else:
        host, _, port = text.partition(":")
        host = _host(host)
    if not host or not re.fullmatch(r"[0-9]*", port, re.ASCII):
        raise ValueError(f"{text!r} is not a host with a port")
    port = port.lstrip("0") or port[:1]
    if len(port) > 5 or int(port or 0) > 0xFFFF:
        raise ValueError(f"{text!r} has a port above 65535")
    return host, port


def _host(text: str) -> str:
    """A domain in lower case or an IPv4 address in its usual form; empty if it is neither."""
    text = unquote_to_bytes(text.encode("utf-8", "replace")).decode("utf-8", "replace")
    if not text.isascii():
        text = text.encode("idna").decode("ascii")  # raises UnicodeError, which is a ValueError
    if _FORBIDDEN_IN_HOST.search(text):
        return ""
    text = text.lower()
    parts = text.removesuffix(".").split(".")
    if not _LAST_NUMBER.fullmatch(parts[-1]):
        return text
    numbers = [_number(part) for part in parts]
    last = numbers[-1]
    if (
        len(numbers) > 4
        or min(numbers) < 0
        or max(numbers[:-1], default=0) > 0xFF
        or last >= 256 ** (5 - len(numbers))
    ):
        return ""
    high = sum(number << (24 - 8 * place) for place, number in enumerate(numbers[:-1]))
    return str(IPv4Address(high + last))


def _number(part: str) -> int:
    """A part of an IPv4 address: hexadecimal, octal or decimal; negative if it is none."""
    try:
        if part[:2] == "0x":
            return int(part[2:] or "0", 16)
        return int(part, 8 if part[:1] == "0" and len(part) > 1 else 10)
    except ValueError:
        return -1
