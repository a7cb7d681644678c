"""Cells about responses, generated from the rules of the Fetch standard: what is allowed, exposed and remembered."""

from __future__ import annotations

from collections.abc import Iterator

from tests_unit.probe.browser.cells import Cell, Headers
from tests_unit.probe.browser.raw_server import RawHop

PAGES = ("localhost", "127.0.0.1", "null")
MODES = ("same-origin", "include", "omit")
ALLOW = b"Access-Control-Allow-Origin: {page}"
CREDENTIALS = b"Access-Control-Allow-Credentials: true"
METHODS, HEADERS = b"Access-Control-Allow-Methods: ", b"Access-Control-Allow-Headers: "
AGE = b"Access-Control-Max-Age: "
PUT = METHODS + b"PUT"
TOKENS = "DELETE delete PATCH patch OPTIONS options Put CHICKEN Egg a!#$%&'*+.^_`|~9-z GETS *"

# What may stand around a value, what a list may be, how a header may be written: and what must not.
EDGES = (
    b"%s", b" %s", b"\t%s\t", b"%s   ", b"%s\x0b", b"\x0c%s", b"\x1f%s", b"%s\x7f", b"%s\xa0", b'"%s"', b"'%s'",
    b"%s;q=1",
)  # fmt: skip
LISTS = (
    b",%s", b"%s,", b",,%s,,", b"x, %s", b"%s,x", b"x\t,\t%s", b"x;%s", b"x %s", b"x, %s, x", b'"x, %s"', b"@, %s",
    b"%s, \xe9",
)  # fmt: skip
NAMES = (
    b"ACCESS-CONTROL-ALLOW-%s: ", b"access-control-allow-%s:", b"Access-Control-Allow-%s:\t",
    b"Access-Control-Allow-%s : ", b"Access_Control_Allow_%s: ", b" Access-Control-Allow-%s: ",
)  # fmt: skip


def raw(*lines: bytes, status: int = 200, body: bytes = b"ok") -> bytes:
    """A response with these header lines."""
    head = [b"HTTP/1.1 %d X" % status, *lines, b"Connection: close"]
    if status < 200 or status in (204, 304):
        body = b""
    if body:
        head.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def simple(
    page: str,
    *lines: bytes,
    status: int = 200,
    mode: str = "same-origin",
    method: str = "GET",
    headers: Headers = (),
) -> Cell:
    """A request whose response has these lines. A preflight is allowed, should there be one."""
    granted = raw(ALLOW, CREDENTIALS, HEADERS + b"*", METHODS + b"*", status=204)
    body = b"" if method.upper() == "HEAD" else b"ok"
    return Cell(page, (RawHop(raw(*lines, status=status, body=body), granted),), method, headers, mode)


def preflighted(
    page: str,
    *lines: bytes,
    status: int = 204,
    mode: str = "same-origin",
    method: str = "PUT",
    headers: Headers = (),
) -> Cell:
    """A request whose preflight is answered with these lines, and which is allowed after it."""
    return Cell(page, (RawHop(raw(ALLOW, CREDENTIALS), raw(*lines, status=status)),), method, headers, mode)


GRANTED = (HEADERS + b"*, authorization", METHODS + b"*, PUT, DELETE")


def to(location: bytes, *lines: bytes, status: int = 302) -> RawHop:
    response = raw(ALLOW, CREDENTIALS, b"Location: " + location, *lines, status=status)
    return RawHop(response, raw(ALLOW, CREDENTIALS, *GRANTED, status=204))


ORIGIN = b"Access-Control-Allow-Origin: "
END = RawHop(raw(ALLOW, CREDENTIALS), raw(ALLOW, CREDENTIALS, *GRANTED))
NULL_END = RawHop(raw(ORIGIN + b"null", CREDENTIALS), raw(ORIGIN + b"null", CREDENTIALS, *GRANTED))
OPEN_END = RawHop(raw(ORIGIN + b"*"), raw(ORIGIN + b"*", HEADERS + b"*", METHODS + b"*"))
CLOSED_END = RawHop(raw())


def origins() -> Iterator[Cell]:
    name = b"Access-Control-Allow-Origin: "
    values = [edge % value for edge in EDGES for value in (b"*", b"{page}")]
    values += [
        b"", b"null", b"NULL", b"Null", b"{page}/", b"{page},", b"*,*", b"{page}, {page}", b"{page} {page}",
        b"*, {page}", b"**", b"http://*", b"%2A", b"http://localhost", b"http://127.0.0.1", b"127.0.0.1:{pages}",
        b"HTTP://127.0.0.1:{pages}", b"//127.0.0.1:{pages}", b"http://LOCALHOST:{pages}", b"https://localhost:{pages}",
        b"http://localhost:{pages}/", b"http://localhost.:{pages}", b"file://", b"a\x00b",
    ]  # fmt: skip
    pairs = (
        (b"*", b"*"),
        (b"{page}", b"{page}"),
        (b"*", b"{page}"),
        (b"", b"*"),
        (b"{page}", b""),
        (b"{page}", b"null"),
    )
    for page in PAGES:
        for mode in MODES[:2]:
            for value in values:
                yield simple(page, name + value, CREDENTIALS, mode=mode)
            for first, second in pairs:
                yield simple(page, name + first, name + second, CREDENTIALS, mode=mode)
            for form in NAMES:
                yield simple(page, form % b"Origin" + b"{page}", CREDENTIALS, mode=mode)
            yield simple(page, CREDENTIALS, mode=mode)
            yield simple(page, name + b"{page}", b"\t*", CREDENTIALS, mode=mode)
            for end in (b"\r", b"\n"):
                yield simple(page, name + b"{page}" + end + CREDENTIALS, mode=mode)
            if page != "null":
                yield simple(page, name, b" {page}", CREDENTIALS, mode=mode)


def credentials() -> Iterator[Cell]:
    name = b"Access-Control-Allow-Credentials: "
    values = [edge % b"true" for edge in EDGES]
    values += [b"True", b"TRUE", b"1", b"yes", b"", b"false", b"true, true", b"true,", b"*"]
    for page in PAGES:
        for mode in MODES:
            for value in values:
                yield simple(page, ALLOW, name + value, mode=mode)
            yield simple(page, ALLOW, name + b"true", name + b"true", mode=mode)
            yield simple(page, ALLOW, name + b"", name + b"true", mode=mode)
            yield simple(page, ALLOW, mode=mode)


def methods() -> Iterator[Cell]:
    granted = (ALLOW, CREDENTIALS)
    values = [form % value for form in (*EDGES, *LISTS) for value in (b"PUT", b"*")]
    values += [b"", b"put", b"Put", b"P UT", b"PUTS", b"GET, POST", b"PUT PUT", b"PUT,,DELETE", b"*PUT", b"* *"]
    pairs = ((b"GET", b"PUT"), (b"PUT", b"@"), (b"@", b"PUT"), (b"", b"PUT"), (b"PUT", b""), (b"*", b"GET"))
    names = TOKENS.split()
    for mode in MODES[:2]:
        for value in values:
            yield preflighted("localhost", *granted, METHODS + value, mode=mode)
        for first, second in pairs:
            yield preflighted("localhost", *granted, METHODS + first, METHODS + second, mode=mode)
        for method in names:
            for text in ("*", method, method.upper(), method.lower(), ""):
                yield preflighted("null", *granted, METHODS + text.encode(), method=method, mode=mode)
        for form in NAMES:
            yield preflighted("127.0.0.1", *granted, form % b"Methods" + b"PUT", mode=mode)
        yield preflighted("127.0.0.1", *granted, mode=mode)
        for method in ("GET", "HEAD", "POST", "get", "post", "head"):
            for value in (b"", b"PUT", b"@"):
                lines = (*granted, METHODS + value, HEADERS + b"x-a")
                yield preflighted("localhost", *lines, method=method, headers=(("X-A", "1"),), mode=mode)


def headers() -> Iterator[Cell]:
    granted, frame = (ALLOW, CREDENTIALS), (("X-Frame", "7"),)
    values = [form % value for form in (*EDGES, *LISTS) for value in (b"x-frame", b"*")]
    values += [b"", b"X-FRAME", b"x-frames", b"x frame", b"x-frame:", b"authorization", b"* *", b"**"]
    pairs = ((b"x-a", b"x-frame"), (b"x-frame", b"@"), (b"@", b"x-frame"), (b"", b"x-frame"), (b"x-frame", b""))
    sets: tuple[Headers, ...] = (
        (("Authorization", "Basic x"),), (("AUTHORIZATION", ""),), (("Authorization", "x"), ("X-A", "1")),
        (("X-B", "1"), ("X-A", "2")), (("x-a", "1"), ("X-A", "2")), (("Content-Type", "application/json"),),
        (("Content-Type", "text/plain"), ("X-A", "1")), (("Cache-Control", "no-cache"), ("Pragma", "x")),
        (("X-Empty", ""),), (("If-None-Match", '"x"'),), (("*", "1"),), (("a!#$%&'*+.^_`|~9-z", "1"),),
        (("Access-Control-Allow-Origin", "*"),), (("Set-Cookie2", "x"),), (("Last-Event-ID", "5"),),
    )  # fmt: skip
    for mode in MODES[:2]:
        for value in values:
            yield preflighted("localhost", *granted, HEADERS + value, method="GET", headers=frame, mode=mode)
        for first, second in (*pairs, (b"*", b"x-a")):
            lines = (*granted, HEADERS + first, HEADERS + second)
            yield preflighted("localhost", *lines, method="GET", headers=frame, mode=mode)
        for fields in sets:
            listed = ",".join(field for field, _ in fields).encode()
            for value in (b"*", listed, listed.upper(), b"*, authorization", b"*,Authorization", b"x-a", b""):
                yield preflighted("null", *granted, HEADERS + value, method="GET", headers=fields, mode=mode)
        for form in NAMES:
            lines = (*granted, form % b"Headers" + b"x-frame")
            yield preflighted("127.0.0.1", *lines, method="GET", headers=frame, mode=mode)


def statuses() -> Iterator[Cell]:
    prompts = (b'WWW-Authenticate: Basic realm="x"', b'Proxy-Authenticate: Basic realm="x"')
    ranges = (
        (100, 104),
        (199, 209),
        (226, 227),
        (250, 251),
        (299, 311),
        (399, 419),
        (421, 432),
        (451, 452),
        (499, 512),
    )
    for status in (*(status for first, end in ranges for status in range(first, end)), 599, 600, 999):
        yield simple("localhost", ALLOW, status=status)
        yield simple("127.0.0.1", status=status)
        yield simple("null", ALLOW, CREDENTIALS, *prompts, status=status, mode="include")
        yield preflighted("127.0.0.1", ALLOW, PUT, status=status)
        yield preflighted("null", ALLOW, PUT, b"Location: {cell}/y", status=status)


def exposed() -> Iterator[Cell]:
    name = b"Access-Control-Expose-Headers: "
    rest = (
        b"X-Frame: 1", b"x-frame: 2", b"X-Other: 3", b"Cache-Control: no-cache", b"Content-Language: en",
        b"Content-Type: text/plain", b"Expires: 0", b"Last-Modified: x", b"Pragma: x", b"Set-Cookie: a=b",
        b"Set-Cookie2: c", b"ETag: x", b"Server: camera", b"Date: now", b"Vary: Origin", b"*: star", b"X-Empty:",
    )  # fmt: skip
    values = [form % value for form in (*EDGES, *LISTS) for value in (b"x-frame", b"*")]
    values += [
        b"", b"X-FRAME", b"x-frame, x-missing", b"set-cookie", b"Set-Cookie, x-frame", b"set-cookie2", b"**", b"* *",
        b"etag server date vary", b"ETag,Server,Date,Vary,X-Empty", b"content-length",
    ]  # fmt: skip
    pairs = ((b"etag", b"x-frame"), (b"x-frame", b"@"), (b"@", b"x-frame"), (b"", b"x-frame"), (b"x-frame", b""))
    for page in PAGES:
        for mode in MODES[:2]:
            for value in values:
                yield simple(page, ALLOW, CREDENTIALS, name + value, *rest, mode=mode)
    for first, second in (*pairs, (b"*", b"x-a")):
        yield simple("localhost", ALLOW, name + first, name + second, *rest)
    for method in ("HEAD", "POST"):
        yield simple("localhost", ALLOW, name + b"*", *rest, method=method)


def ages() -> Iterator[tuple[Cell, ...]]:
    """The same request twice: is the answer to its preflight remembered?"""
    values = (
        b"0", b"-1", b"-0", b"-99999999999", b"600", b" 600 ", b"+600", b"600, 600", b"0, 0", b"600.5", b"1e3",
        b"0x10", b'"600"', b"", b"x", b"00600", b"7200", b"7201", b"86400", b"2147483647", b"2147483648",
        b"4294967296", b"9223372036854775807", b"9223372036854775808", b"9" * 40, b"- 1", b"--1", b"-1.5", b"0.5",
        b"-", b"-x", b"000", b"\xd9\xa3",
    )  # fmt: skip
    for value in values:
        for page in PAGES:
            yield (preflighted(page, ALLOW, PUT, AGE + value),) * 2
    for lines in ((b"0", b"0"), (b"600", b"600"), (b"-1", b"-1"), (b"-1", b"0"), (b"0", b"x"), ()):
        yield (preflighted("localhost", ALLOW, PUT, *(AGE + line for line in lines)),) * 2


def sequences() -> Iterator[tuple[Cell, ...]]:
    """Several requests for the same URL: what does the answer to one preflight mean to those after it?"""
    long = AGE + b"600"
    granted = (ALLOW, CREDENTIALS, PUT, long)
    for mode in MODES:
        for later in MODES:
            yield preflighted("localhost", *granted, mode=mode), preflighted("localhost", *granted, mode=later)
    put = preflighted("localhost", ALLOW, PUT, long)
    brief = preflighted("localhost", ALLOW, PUT, AGE + b"0")
    delete = preflighted("localhost", ALLOW, METHODS + b"DELETE", long, method="DELETE")
    both = preflighted("localhost", ALLOW, METHODS + b"PUT, DELETE", long)
    star = preflighted("localhost", ALLOW, METHODS + b"*", HEADERS + b"*", long)
    field = preflighted(
        "localhost", ALLOW, METHODS + b"*", HEADERS + b"*", long, method="PATCH", headers=(("X-A", "1"),)
    )
    secret = (("X-A", "1"), ("Authorization", "x"))
    secrets = preflighted("localhost", ALLOW, METHODS + b"*", HEADERS + b"*", long, method="PATCH", headers=secret)
    first, second = (
        preflighted("localhost", ALLOW, HEADERS + name.encode(), long, method="GET", headers=((name, "1"),))
        for name in ("x-a", "x-b")
    )
    refused = preflighted("localhost", PUT, long)
    failed = Cell("localhost", (RawHop(raw(), raw(ALLOW, PUT, long)),), "PUT")
    plain = simple("localhost")
    yield from ((put, delete, put, delete), (both, delete, put), (star, delete, field, secrets, secrets))
    yield from ((secrets, star, delete), (star, plain, put), (put, refused, put), (put, failed, put), (failed, put))
    yield from ((put, failed, delete, put), (first, second, first), (first, put, first, put), (put, brief, put))
    for name in ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "If-X"):
        answer = (ALLOW, HEADERS + name.encode() + b", x-a", METHODS + b"PUT", long)
        conditional = preflighted("localhost", *answer, headers=((name, "x"),))
        yield conditional, conditional, put, conditional, put
    unlisted = preflighted("localhost", ALLOW, PUT, long, method="DELETE")
    yield from ((put, delete, brief, put), (brief, put, brief), (put, unlisted, put))
    for page in PAGES[1:]:
        tainted = Cell(page, (to(b"http://localhost:{port}{cell}/y"), NULL_END), "PUT")
        yield tainted, tainted
        away = b"http://localhost:{port}{cell}/y"
        again = RawHop(raw(ORIGIN + b"null", b"Location: " + away, status=307), NULL_END.preflight)
        yield (Cell(page, (to(b"{cell}/y"), to(away), again, NULL_END), "PUT"),)
        yield (Cell(page, (to(b"{cell}/x"), to(b"#f"), to(b"{cell}/y"), to(b"{cell}/x"), END), "PUT"),)
        yield put, preflighted(page, ALLOW, PUT, long), put
