"""Cells at random: requests, preflights, responses and redirects put together from what the rules speak of."""

from __future__ import annotations

import random

from tests_unit.probe.browser.cell_requests import FORBIDDEN, HINTS
from tests_unit.probe.browser.cell_rules import MODES, PAGES, TOKENS, raw
from tests_unit.probe.browser.cells import Cell, Headers, is_response
from tests_unit.probe.browser.raw_server import RawHop

METHODS = ("GET", "GET", "HEAD", "POST", "PUT", "PUT", "put", *TOKENS.split(), "TRACE", "a b")
SAFE_NAMES = ("Accept", "Accept-Language", "Content-Language", "Content-Type", "Range")
NAMES = [*SAFE_NAMES * 6, *HINTS.split(), *FORBIDDEN.split(), *["Authorization"] * 4, "X-A", "X-B", "x-a", "a b", "*"]
VALUES = (
    "", "1", "1.5", "on", "4g", "*", "text/plain", "text/plain;q=é", "application/json", "bytes=0-", "bytes=5-9",
    "bytes=9223372036854775806-", "bytes=9223372036854775807-", "x" * 60, "x" * 128, "x" * 129, "é" * 128, '"',
    " a\t", "TRACE", "a, b", "\x0b", "\x00", "a\nb", "1" * 128, "en",
)  # fmt: skip
LOCATIONS = (b"{cell}/y", b"{cell}/z", b"http://localhost:{port}{cell}/y", b"http://127.0.0.1:{port}{cell}/z")
ODD_LOCATIONS = (
    b"y", b"?q", b"", b"#f", b"//localhost:{port}{cell}/y", b"http://u@127.0.0.1:{port}{cell}/y", b"http://",
    b"http://0x7f.1:{port}{cell}/y", b"http://@localhost:{port}{cell}/y", b"/\\localhost:{port}{cell}/y", b"data:,x",
)  # fmt: skip
REDIRECTS = (301, 302, 303, 307, 308)
STATUSES = (200, 200, 200, 204, 404, 500, 401, 407, 421)
ALLOWED = (b"Access-Control-Allow-%s: ",) * 12
ODD_ALLOWED = (b"ACCESS-CONTROL-ALLOW-%s:\t", b"access-control-allow-%s:", b"Access-Control-Allow-%s :")
AGES = (b"0", b"600", b"600", b"-1", b"x", b"9999999999999")
ORIGINS = (b"{page}", b"{page}", b"{page}", b"*", b"*", b"null", b"", b"{page}, *", b"{page}/", b"'{page}'")
EXPOSED = (b"X-Frame: 1", b"ETag: x", b"Set-Cookie: a=b", b"Expires: 0", b"Pragma: x", b"Vary: Origin", b"X-Frame: 2")
ENDS = (b"\r\n",) * 12 + (b"\n", b"\r")
GLUE = (b",", b", ", b" ,\t", b",,", b" ", b";")
NOISE = (b"", b" ", b"\t", b"\x0b", b'"', b"@", b"\xe9", b"\x7f")


def random_cells(generator: random.Random) -> tuple[Cell, ...]:
    """One request, or a few for the same URL."""
    cells = [random_cell(generator)]
    while generator.random() < 0.3:
        cells.append(random_cell(generator) if generator.random() < 0.5 else cells[0])
    return tuple(cells)


def random_cell(generator: random.Random) -> Cell:
    method = generator.choice(METHODS)
    count = generator.choice((0, 0, 1, 1, 2, 3, 8))
    headers = tuple((generator.choice(NAMES), generator.choice(VALUES)) for _ in range(count))
    hops = []
    for _ in range(generator.choice((0, 0, 0, 0, 1, 1, 2, 3))):
        places = LOCATIONS if generator.random() < 0.8 else ODD_LOCATIONS
        hops.append(_hop(generator, method, headers, b"Location: " + generator.choice(places)))
    hops.append(_hop(generator, method, headers))
    return Cell(generator.choice(PAGES), tuple(hops), method, headers, generator.choice(MODES))


def _hop(generator: random.Random, method: str, headers: Headers, *lines: bytes) -> RawHop:
    statuses = (
        (301, 302, 303, 307, 308)
        if lines and generator.random() < 0.9
        else (200, 200, 200, 204, 404, 500, 401, 407, 421)
    )
    response = _drawn(generator, method, _response(generator, *lines), statuses)
    names = [name for name, _ in headers if name.isascii()]
    answer = _drawn(generator, "OPTIONS", _preflight(generator, method, names), (200, 204, 204, 204, 304, 404, 421))
    return RawHop(response, answer)


def _drawn(generator: random.Random, method: str, lines: list[bytes], statuses: tuple[int, ...]) -> bytes:
    """A response with these lines, each ended by CR and LF in most cases; what is not HTTP is not drawn."""
    status = generator.choice(statuses)
    body = b"" if method.upper() == "HEAD" else b"ok"
    generator.shuffle(lines)
    first, *others = lines or [b"X-Z: 1"]
    text = first + b"".join(generator.choice(ENDS) + line for line in others)
    uncached = b"Cache-Control: no-store"  # else a redirect that leads to itself is followed without the server
    data = raw(text, uncached, status=status, body=body)
    return data if is_response(data, method) else raw(*lines, uncached, status=status, body=body)


def _response(generator: random.Random, *lines: bytes) -> list[bytes]:
    fields = [*lines, *generator.sample(EXPOSED, 3)]
    if generator.random() < 0.9:
        fields.append(_named(generator, b"Origin") + generator.choice(ORIGINS))
    if generator.random() < 0.7:
        fields.append(_named(generator, b"Credentials") + generator.choice((b"true",) * 5 + (b"True", b"", b"true,")))
    if generator.random() < 0.5:
        exposed = (b"X-Frame", b"etag", b"*", b"set-cookie", b"vary")
        fields.append(b"Access-Control-Expose-Headers: " + _list(generator, exposed))
    if generator.random() < 0.1:
        fields.append(generator.choice(fields))
    return fields


def _preflight(generator: random.Random, method: str, names: list[str]) -> list[bytes]:
    fields = _response(generator)
    if generator.random() < 0.8:
        methods = (method.encode("ascii", "replace"), b"*", b"PUT", b"GET")
        fields.append(_named(generator, b"Methods") + _list(generator, methods))
    if generator.random() < 0.8:
        listed = ",".join(names).encode()
        elements = (listed, listed, listed.lower(), b"*", b"x-a")
        fields.append(_named(generator, b"Headers") + _list(generator, elements))
    if generator.random() < 0.6:
        fields.append(b"Access-Control-Max-Age: " + generator.choice(AGES))
    if generator.random() < 0.1:
        fields.append(generator.choice(fields))
    return fields


def _named(generator: random.Random, name: bytes) -> bytes:
    return generator.choice(ALLOWED + ODD_ALLOWED) % name


def _list(generator: random.Random, elements: tuple[bytes, ...]) -> bytes:
    chosen = generator.sample(elements, generator.choice((1, 1, 2, 3)))
    text = generator.choice(GLUE if generator.random() < 0.2 else GLUE[:2]).join(chosen)
    return generator.choice(NOISE) + text if generator.random() < 0.1 else text
