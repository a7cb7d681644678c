"""Preflights: the headers of the Fetch standard, and all those that Chromium sends."""

from __future__ import annotations

import http.server
import queue
import re
import subprocess
import threading
from typing import ClassVar

import pytest
from camrig.probe.agent import COUNTED_HOST
from camrig.probe.client import request_bytes
from camrig.probe.preflight import browser_preflight_headers, preflight_headers
from camrig.probe.request_kinds import REQUEST_KINDS, SHORT, unseen_preflight
from camrig.probe.request_mix import unseen_requests
from hypothesis import given
from hypothesis import strategies as st

from tests_unit.chromium import browser

SECONDS = 120
BOARDS = ("127.0.0.1", "camera.test")  # the second is not loopback in the eyes of a browser, which goes by the name


def test_preflight_headers_are_those_of_the_fetch_standard():
    headers = preflight_headers("https://panel.example", "PUT", ["X-Frame", "content-type", "x-frame"])
    assert headers == [
        ("Accept", "*/*"),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "content-type,x-frame"),
        ("Origin", "https://panel.example"),
    ]
    assert preflight_headers(None, None) == [("Accept", "*/*")]


@given(
    st.sampled_from(["http", "https"]),
    st.from_regex(r"[a-z]{1,9}(\.[a-z]{1,9}){0,2}(:[1-9][0-9]{0,4})?", fullmatch=True),
    st.sampled_from(["GET", "PUT", "patch"]),
    st.lists(st.sampled_from(["Content-Type", "X-Frame", "x-a"]), max_size=4),
)
def test_a_browser_adds_the_same_headers_to_every_preflight(scheme, site, method, names):
    """Whatever the page, the method and the names: the length follows from them."""
    origin = f"{scheme}://{site}"
    short, long = (of(origin, method, names) for of in (preflight_headers, browser_preflight_headers))
    assert [header for header in long if header in short] == short
    added = dict(header for header in long if header not in short)
    assert added.pop("Referer", None) == (f"{origin}/" if scheme == "http" else None)
    assert added == dict(browser_preflight_headers("null", "GET")[i] for i in (0, 4, 5, 6, 7, 8, 9))


def test_preflights_that_are_measured_are_those_of_a_browser():
    preflights = [
        kind for kind in (*REQUEST_KINDS, unseen_preflight(), *unseen_requests()) if kind.message[0] == "OPTIONS"
    ]
    assert len(preflights) == 6
    for kind in preflights:
        names = [name for name, _ in kind.message[2]]
        assert len(names) == (11 if kind.name == "preflight_plain" else 12), kind.name  # and Host
        assert names[0] == "Connection"
        assert names[-3:] == ["Referer", "Accept-Encoding", "Accept-Language"]
    assert len(SHORT.message[2]) == 4
    sizes = [
        len(request_bytes(*kind.message[:2], COUNTED_HOST, kind.message[2])) for kind in (REQUEST_KINDS[0], SHORT)
    ]
    assert sizes == [506, 187]


class Recorder(http.server.BaseHTTPRequestHandler):
    """Serves a page that calls two boards, and is both boards; keeps the headers of the preflights by board."""

    preflights: ClassVar[queue.Queue[tuple[str, list[tuple[str, str]]]]]

    def do_GET(self) -> None:
        _, _, port = self.headers["Host"].partition(":")
        call = "fetch('http://%s:%s/', {method: 'PUT', headers: {'Content-Type': 'text/x', 'X-Frame': '1'}});"
        self.answer("<script>" + "".join(call % (board, port) for board in BOARDS) + "</script>")

    def do_OPTIONS(self) -> None:
        self.preflights.put((self.headers["Host"].partition(":")[0], list(self.headers.items())))
        self.answer("")

    def answer(self, body: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def from_chromium(tmp_path_factory) -> tuple[str, dict[str, list[tuple[str, str]]]]:
    """The page's origin, and the headers of the preflights to each of ``BOARDS``, in order."""
    path = browser()
    handler = type("Handler", (Recorder,), {"preflights": queue.Queue()})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        origin = f"http://localhost:{server.server_port}"
        options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync")
        options += ("--disable-background-networking", "--disable-component-update")
        rules = (
            f"--host-resolver-rules=MAP {BOARDS[1]} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
        )
        profile = f"--user-data-dir={tmp_path_factory.mktemp('profile')}"
        command = [path, *options, rules, profile, origin]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                preflights = dict(handler.preflights.get(timeout=SECONDS) for _ in BOARDS)
            finally:
                process.terminate()
                try:
                    process.wait(SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                server.shutdown()
    return origin, preflights


@pytest.mark.parametrize("board", BOARDS)
def test_chromium_sends_these_headers(from_chromium, board):
    """Its version and language may be others here; headless it calls itself HeadlessChrome."""
    origin, preflights = from_chromium
    known = [
        ("Host", preflights[board][0][1]),
        *browser_preflight_headers(origin, "PUT", ["content-type", "x-frame"]),
    ]
    if board != BOARDS[0]:
        shorter = {"Sec-Fetch-Site": None, "Sec-Fetch-Dest": None, "Accept-Encoding": "gzip, deflate"}
        known = [(name, shorter.get(name, value)) for name, value in known]
        known = [(name, value) for name, value in known if value is not None]
    assert [usual(*header) for header in preflights[board]] == [usual(*header) for header in known]


def usual(name: str, value: str) -> tuple[str, str]:
    """The header without what depends on this computer and on Chromium's version."""
    value = re.sub(r"(Headless)?Chrome/[0-9]+", "Chrome/0", value)
    return name, "en" if name == "Accept-Language" else value
