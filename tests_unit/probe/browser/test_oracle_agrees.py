"""Chromium and the oracle answer alike, apart from the deviations that are listed, and each of those is needed.

All cells of every kind, and any number of random ones: ``benchmarks/browser_cells.py``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from camrig.deadline import Deadline
from camrig.probe.browser.browser import Browser
from camrig.probe.browser_deviations import CHROMIUM
from camrig.probe.fetch_url import parse_url

from tests_unit.probe.browser.cell_requests import KINDS
from tests_unit.probe.browser.cell_rules import (
    AGE,
    ALLOW,
    CREDENTIALS,
    HEADERS,
    METHODS,
    OPEN_END,
    ORIGIN,
    PUT,
    preflighted,
    raw,
    simple,
    to,
)
from tests_unit.probe.browser.cells import Cell, CellRunner, cell_runner
from tests_unit.probe.browser.raw_server import RawHop

CELLS_OF_A_KIND = 26

KEPT = preflighted("localhost", ALLOW, PUT, AGE + b"600")
AWAY = b"http://localhost:{port}{cell}/y"
ANY = raw(ORIGIN + b"*", PUT, AGE + b"600", status=204)
ANY_END = RawHop(raw(ORIGIN + b"*"), ANY)
# For each deviation, requests whose outcome depends on it.
WITNESSES: dict[str, tuple[Cell, ...]] = {
    "lenient header lines": (simple("localhost", b"Access-Control-Allow-Origin : {page}"),),
    "User-Agent": (simple("localhost", ALLOW, headers=(("User-Agent", "mine"),)),),
    "Available-Dictionary": (simple("localhost", ALLOW, headers=(("Available-Dictionary", "x"),)),),
    "repeated request headers": (simple("localhost", ALLOW, headers=(("Accept", "x" * 100),) * 2),),
    "hints": (simple("localhost", ALLOW, headers=(("DPR", "1.5"),)),),
    "large ranges": (simple("localhost", ALLOW, headers=(("Range", f"bytes=0-{2**63 - 1}"),)),),
    "Authorization and the wildcard": (
        preflighted("localhost", ALLOW, HEADERS + b"*", method="GET", headers=(("Authorization", "x"),)),
    ),
    "negative Max-Age": (preflighted("localhost", ALLOW, PUT, AGE + b"-1"),) * 2,
    "Location": (Cell("localhost", (to(b"{cell}/y", b"Location: {cell}/y"), OPEN_END)),),
    "hints after a redirect": (Cell("localhost", (to(b"{cell}/y"), OPEN_END), headers=(("RTT", "1"),)),),
    "conditions and the cache": (
        preflighted("localhost", ALLOW, PUT, HEADERS + b"if-match", AGE + b"600", headers=(("If-Match", "x"),)),
    )
    * 2,
    "failures and the cache": (KEPT, Cell("localhost", (RawHop(raw()),), "PUT"), KEPT),
    "one answer in the cache": (
        KEPT,
        preflighted("localhost", ALLOW, METHODS + b"DELETE", AGE + b"600", method="DELETE"),
        KEPT,
    ),
    "redirects between origins and the cache": (
        Cell(
            "localhost", (to(AWAY), RawHop(raw(ORIGIN + b"*", b"Location: " + AWAY, status=307), ANY), ANY_END), "PUT"
        ),
    ),
    "the origin null in the cache": (preflighted("null", ALLOW, PUT, AGE + b"600"),) * 2,
}
URLS = r"""
http://A.b:80/x http:/x http:x http:///h/x //h:81/x /\h\x \x http:\\h http://0x7f.1 http://0177.1 http://1.2.3.4. http://0x
http://256.1 http://1.2.3.4.5 http://1.0x http://4294967295 http://4294967296 http://1..2 http://a.1b http://[::1]:80
http://[0:0::1] http://[::1 http://[::ffff:1.2.3.4] http://[1] http://[::1]x http://[::1]:x http://u@h http://:p@h
http://@h http://:@h http://u:p@h:8/ http://h:00080 http://h:65535 http://h:65536 http://h:x http://h: http://h:-1
http:// http:/// http://?x http://a%41b http://a%00 http://%zz http://a<b http://a|b http://a^b http://h#@g http://h?@g
http://h\@g http://ü.de http://a..b https:x https:/h https://h:443 HTTP://H ? # . .. ./y ../../y ?q#f %2e/y http://a_b-c
"""


@pytest.fixture(scope="module")
def runner(browser: Browser) -> Iterator[CellRunner]:
    with cell_runner(browser) as runner:
        yield runner


def test_browser_agrees_with_oracle_and_deviations(runner):
    differences, count = [], 0
    for kind in KINDS:
        cells = list(kind())
        for cell in cells[:: len(cells) // CELLS_OF_A_KIND + 1]:
            count += 1
            if difference := runner.differences(*(cell if isinstance(cell, tuple) else (cell,))):
                differences.append(f"{kind.__name__}: {difference}")
    assert count >= 300
    assert not differences, "\n\n".join(differences[:20])


@pytest.mark.parametrize("deviation", CHROMIUM, ids=lambda deviation: deviation.name)
def test_each_deviation_of_the_browser_is_needed(runner, deviation):
    cells = WITNESSES[deviation.name]
    assert runner.differences(*cells) == ""
    assert runner.differences(*cells, deviations=[entry for entry in CHROMIUM if entry is not deviation])


def test_difference_shows_request_responses_answers_and_section(runner):
    cell = preflighted("localhost", ALLOW, CREDENTIALS, method="PUT", headers=(("DPR", "1"),))
    text = runner.differences(cell, deviations=())
    for part in (
        f"'PUT' (('DPR', '1'),) same-origin from {runner.origin('localhost')}",
        f"preflight answer b'HTTP/1.1 204 X\\r\\nAccess-Control-Allow-Origin: {runner.origin('localhost')}",
        "response         b'HTTP/1.1 200 X",
        "oracle:  Outcome(thrown=False, allowed=False",
        "CORS-preflight fetch, step 7.5: method PUT is not allowed",
        "browser: Outcome(thrown=False, allowed=False",
        "MethodDisallowedByPreflightResponse (PUT)",
    ):
        assert part in text, text


def test_browser_reads_urls_as_the_oracle_does(page):
    base = "http://127.0.0.1:8080/a/b?c"
    script = """(urls, base) => urls.map(text => {
      let url;
      try { url = new URL(text, base); } catch { return null; }
      return [url.origin, url.username + url.password !== ""];
    })"""

    def read(text: str) -> list[object] | None:
        try:
            url = parse_url(text, base)
        except ValueError:
            return None
        return [url.origin, url.has_credentials]

    urls = URLS.split()
    seen = page.evaluate_function(script, urls, base, deadline=Deadline.after(60))
    assert [(text, read(text)) for text in urls] == list(zip(urls, seen, strict=True))
