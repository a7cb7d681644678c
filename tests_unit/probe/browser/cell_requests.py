"""Cells about requests, from the rules of the Fetch standard: what a script may send, and where it goes."""

from __future__ import annotations

from collections.abc import Iterator

from tests_unit.probe.browser.cell_rules import (
    ALLOW,
    CLOSED_END,
    END,
    MODES,
    NULL_END,
    OPEN_END,
    PAGES,
    ages,
    credentials,
    exposed,
    headers,
    methods,
    origins,
    raw,
    sequences,
    simple,
    statuses,
    to,
)
from tests_unit.probe.browser.cells import Cell
from tests_unit.probe.browser.raw_server import RawHop

LIMIT = 128  # bytes of a safelisted value
HINTS = """
Save-Data DPR Width Viewport-Width Device-Memory RTT Downlink ECT User-Agent Sec-CH-UA Viewport-Height Content-DPR UA
Accept-CH Priority Purpose X-Requested-With Upgrade-Insecure-Requests Intervention Critical-CH Lang Service-Worker
Prefers-Color-Scheme X-Client-Data Last-Event-ID Pragma Cache-Control Ping-To Available-Dictionary Dictionary-ID
Report-To Referrer Referer-Policy Access-Control-Request-Private-Network If-Match
"""
FORBIDDEN = """
Accept-Charset Accept-Encoding Access-Control-Request-Headers Access-Control-Request-Method Connection Content-Length
Cookie Cookie2 Date DNT Expect Host Keep-Alive Origin Referer Set-Cookie TE Trailer Transfer-Encoding Upgrade Via
Proxy- Proxy-X Sec- Sec-Fetch-Site sec-x PROXY-Authorization
"""
NOT_FORBIDDEN = """
Proxy Security Sec Proxied-X Via-X Cookies X-Cookie Hosts Origins Expect-CT Keep-Alives TEX Trailers X-HTTP-Methods
X-Method Set-Cookie2
"""


def values() -> Iterator[Cell]:
    """What a script may set without a preflight, to the byte."""
    texts = [
        "", "a", "*", " a ", "\ta", "a\tb", "a b", "a/b;q=0.5", "é", "\xa0", "\x7f", "\x80", "\x01", "\x1f", "\x0b",
        *"\"():<>?@[]{}\\!#$%&'+.^_`|~,;=/", "en-US,en;q=0.9", "*/*", f" {'x' * LIMIT} ",
        *(character * size for character in "xé" for size in (LIMIT // 2, LIMIT - 1, LIMIT, LIMIT + 1)),
    ]  # fmt: skip
    types = [
        "text/plain", "TEXT/PLAIN", "tEXT/pLAIN;A=b", "text/plain;charset=utf-8", 'text/plain; charset="x"',
        "text/plain ;x", "text/plain;", "text/plain,", "text/plain, text/html", "text/plain x", " text/plain",
        "text/plain\t", "text /plain", "text/ plain", "text/plain/x", "/plain", "text/", "text", "*/*", "text/html",
        "application/x-www-form-urlencoded", "application/x-www-form-urlencoded;charset=é", "multipart/form-data",
        "multipart/form-data; boundary=x", "multipart/mixed", "application/json", "text/plain;é", "text/plain;\x0b",
        "text/plain\xa0", "text/plain;q=(", *("text/plain;" + "x" * size for size in (LIMIT - 11, LIMIT - 10)),
    ]  # fmt: skip
    for name in ("Accept", "Accept-Language", "Content-Language"):
        for text in texts:
            yield simple("localhost", ALLOW, headers=((name, text),))
    for text in types:
        yield simple("localhost", ALLOW, method="POST", headers=(("Content-Type", text),))


def ranges() -> Iterator[Cell]:
    texts = [
        "bytes=0-", "bytes=0-0", "bytes=1-0", "bytes=0-9", "bytes=-5", "bytes=", "bytes=-", "bytes", "bytes =0-",
        "bytes= 0-", "bytes=0 -", "bytes=0- ", "bytes=0-1,2-3", "Bytes=0-", "BYTES=0-", "items=0-", "bytes=a-",
        "bytes=0-a", "bytes=+1-2", "bytes=00-01", "bytes=0x1-2", "bytes=1-1", "bytes=0--1", "bytes=0-1-",
        "bytes=\t0-1", "bytes=1.0-2", f"bytes={'0' * 100}1-", f"bytes=0-{'9' * 119}", f"bytes=0-{'9' * 120}",
        f"bytes=0-{'9' * 121}", f"bytes={10**30}-{10**31}",
    ]  # fmt: skip
    for bits in (31, 32, 53, 63, 64):
        for number in range(2**bits - 2, 2**bits + 2):
            texts += [
                f"bytes={number}-",
                f"bytes=0-{number}",
                f"bytes={number}-{number}",
                f"bytes={number}-{number - 1}",
            ]
    for text in texts:
        yield simple("127.0.0.1", ALLOW, headers=(("Range", text),))


def sizes() -> Iterator[Cell]:
    """Headers that are repeated, and values that are safe one by one and too long together."""
    for length in (1023, 1024, 1025):
        for character in "aé":
            full, rest = divmod(length, LIMIT)
            fields = [("Accept", character * LIMIT)] * full + [("Accept", character * rest)] * bool(rest)
            yield simple("localhost", ALLOW, headers=tuple(fields))
    fields = [
        ("Accept", "x" * 30), ("Accept", "x" * LIMIT), ("Accept-Language", "en"), ("Content-Language", "de"),
        ("Content-Type", "text/plain"), ("Range", "bytes=0-"), ("Accept", ""), ("X-A", "1"), ("DPR", "1"),
    ]  # fmt: skip
    for name, value in fields:
        for count in (2, 3, 4, 5, 8, 9):
            yield simple("localhost", ALLOW, method="POST", headers=((name, value),) * count)
        yield simple("localhost", ALLOW, method="POST", headers=((name, value), (name.upper(), value)))
    full_size = tuple((name, "x" * LIMIT) for name in ("Accept", "Accept-Language", "Content-Language"))
    hints = tuple((name, "1" * LIMIT) for name in ("DPR", "Device-Memory", "Downlink", "Width", "Intervention"))
    for further in ((), (("X-A", "1"),), hints, (*hints, ("RTT", "1")), (*hints, ("User-Agent", "x" * LIMIT))):
        yield simple("localhost", ALLOW, headers=(*full_size, *further))
    yield simple("localhost", ALLOW, headers=(("Accept", "a"), ("Accept", "(")))


def hints() -> Iterator[Cell]:
    """Headers that are said, or might be thought, to need no preflight."""
    names = HINTS.split()
    texts = [
        "", "on", "ON", "off", "0", "1", "01", "1.", ".5", "1.5", "1.50", "1.5.5", "1e3", "+1", "-1", "1,5", "1 2",
        "4g", "4G", "slow-2g", "5g", "x(", "é", "a\tb", "\x01", "inf", *("1" * size for size in (LIMIT, LIMIT + 1)),
    ]  # fmt: skip
    for name in names:
        for text in texts:
            yield simple("localhost", ALLOW, headers=((name, text),))
        yield simple("localhost", ALLOW, headers=((name.upper(), "1"), ("X-A", "1")))
        yield simple("localhost", ALLOW, headers=((name, "1"), (name, "2")))


def forbidden() -> Iterator[Cell]:
    names = FORBIDDEN.split()
    others = NOT_FORBIDDEN.split()
    texts = [
        "TRACE", "trace", "GET", "GET, TRACE", "TRACK,", "CONNECT ", '"TRACE"', '"a, TRACE"', '"a", TRACE', "TRACES",
        "", ",connect", '"a\\", TRACE', '"a\\\\", TRACE', "TRACE;q=1", "GET\tTRACE", "x,\tTRACK",
    ]  # fmt: skip
    for name in names:
        yield simple("localhost", ALLOW, headers=((name, "forged"),))
        yield simple("localhost", ALLOW, headers=((name.upper(), "forged"), ("X-A", "1")))
    for name in ("X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override"):
        for text in texts:
            yield simple("localhost", ALLOW, headers=((name, text),))
        yield simple("localhost", ALLOW, headers=((name, "GET"), (name, "TRACE")))
    for name in others:
        yield simple("localhost", ALLOW, headers=((name, "1"),))


def malformed() -> Iterator[Cell]:
    names = [
        "", " ", "a b", "a:", "a\t", "é", "a\x00", "a\r", "a\nb", "\x7f", "\u20ac", "a\xa0", " a", "a ", "a,b", "a;b",
        *'"(/=[{@?<\\',
    ]  # fmt: skip
    texts = [
        "\x00", "a\x00b", "a\rb", "a\nb", "a\r\nb", "\r\na\r\n", "\na", "a\r", "\u20ac", "\u0100", "\U0001f600",
        "\ud800", "a\x00", "\xff", "\x0b", " \r\n\t ",
    ]  # fmt: skip
    for name in names:
        yield simple("localhost", ALLOW, headers=((name, "1"),))
        yield simple("localhost", ALLOW, method=name)
    for text in texts:
        for name in ("X-A", "Accept", "Host"):
            yield simple("localhost", ALLOW, headers=((name, text),))
    for method in ["TRACE", "trace", "Trace", "TRACK", "track", "CONNECT", "connect", "TRACES", "XTRACE"]:
        yield simple("localhost", ALLOW, method=method)


HERE, THERE = b"{cell}/y", b"http://localhost:{port}{cell}/y"


def redirects() -> Iterator[Cell]:
    fields = (("X-A", "1"), ("Content-Type", "application/json"))
    for status in (300, 301, 302, 303, 304, 305, 306, 307, 308, 309):
        for target in (HERE, THERE):
            for method in ("GET", "HEAD", "POST", "PUT"):
                for page in PAGES:
                    yield Cell(page, (to(target, status=status), OPEN_END), method)
                yield Cell("localhost", (to(target, status=status), END), method)
                yield Cell("localhost", (to(target, status=status), NULL_END), method, fields)
                yield Cell("127.0.0.1", (to(target, status=status), CLOSED_END), method)
    for mode in MODES:
        for page in PAGES:
            for target in (HERE, THERE):
                for end in (END, NULL_END, OPEN_END, CLOSED_END):
                    back = to(b"http://127.0.0.1:{port}{cell}/z")
                    yield Cell(page, (to(target), end), credentials=mode)
                    yield Cell(page, (to(target), end), "DELETE", (("Authorization", "x"),), mode)
                    yield Cell(page, (to(target), to(b"{cell}/z"), end), "GET", (("X-A", "x"),), mode)
                    yield Cell(page, (to(target), back, end), "GET", (), mode)


def locations() -> Iterator[Cell]:
    host = b"127.0.0.1:{port}{cell}/y"
    values = [
        b"y", b"./y", b"?q", b"#f", b"", b" ", b"{cell}/y#f", b"//localhost:{port}{cell}/y", b"HTTP://" + host,
        b"/\\localhost:{port}{cell}/y", b"http:{cell}/y", b"http:y", b"{cell}/a b", b"{cell}/\xe9", b"{cell}/%zz",
        b"{cell}/a\tb", b"\t{cell}/y\t", b"{cell}/y, {cell}/z", b"ftp://127.0.0.1/y", b"data:text/plain,x",
        b"javascript:1", b"file:///etc/passwd", b"blob:x", b"about:blank", b"mailto:x", b"ws://" + host, b"http://",
        b"http:///", b"http://[", b"http://127.0.0.1:99999/", b"http://127.0.0.1:x/", b"http://a b/",
        b"http://u@" + host, b"http://u:p@" + host, b"http://:p@" + host, b"http://@" + host, b"http://:@" + host,
        *(b"http://" + name + b":{port}{cell}/y" for name in (b"0x7f.1", b"2130706433", b"127.1", b"0177.0.0.1")),
        *(b"http://" + name + b":{port}{cell}/y" for name in (b"%31%32%37.0.0.1", b"LocalHost", b"127.0.0.1.")),
        b"http://127.0.0.1:0{port}{cell}/y", b"{cell}\\y", b"http:\\\\" + host, b"http:////" + host, b"{cell}/y\x0b",
        b"{cell}/y\x01", b"{cell}/./y/../z", b"{cell}/a/%2e%2e/y", b"http://256.0.0.1/", b"http://a%00b/", b"http://a<b/",
    ]  # fmt: skip
    for value in values:
        yield Cell("localhost", (to(value), OPEN_END))
        yield Cell("127.0.0.1", (to(value), END))
    for line in (b"Location: {cell}/z", b"location: {cell}/y", b"Location:"):
        yield Cell("localhost", (to(HERE, line), OPEN_END))
    yield Cell("localhost", (RawHop(raw(ALLOW, b"LOCATION:{cell}/y", status=302)), OPEN_END))
    yield Cell("localhost", (RawHop(raw(b"Location: {cell}/y", status=302)), OPEN_END))
    for count in (19, 20, 21):
        yield Cell("localhost", (*(to(b"{cell}/%d" % hop) for hop in range(count)), OPEN_END))


KINDS = (
    origins, credentials, methods, headers, statuses, exposed, ages, sequences,
    values, ranges, sizes, hints, forbidden, malformed, redirects, locations,
)  # fmt: skip
