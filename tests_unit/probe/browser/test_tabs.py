"""Tabs on several origins ask a server; a page that blocks or a browser that dies costs one answer."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from camrig.errors import BrowserError, PageError
from camrig.probe.browser import scripts, tabs
from camrig.probe.browser.page_server import LOCALHOST, LOOPBACK, SANDBOX
from camrig.probe.browser.tabs import Tabs
from camrig.probe.response_parser import LostExchangeError

from tests_unit import chromium

SECONDS = 30.0
BLOCKS = scripts.Script("(() => { for (;;); })()", {})


@pytest.fixture(scope="module")
def opened():
    with Tabs(Path(chromium.browser())) as opened:
        opened.open()
        yield opened


@pytest.fixture
def board(serving):
    """A server that echoes the origin, grants nothing, and has a few faults."""

    def answer(connection, data):
        lines = data.decode().split("\r\n")
        path = lines[0].split()[1]
        if "/silent" in path:
            time.sleep(2)
        if "/silent" in path or "/cut" in path:
            return
        origin = next((line[8:] for line in lines if line.startswith("Origin: ")), "*")
        fields = ("Content-Length: 2", f"Access-Control-Allow-Origin: {origin}", "X-A: 1", "x-a: 2", "", "")
        head = "\r\n".join(("HTTP/1.0 200 OK", *fields))
        connection.sendall(head.encode() + b"hi" * (not lines[0].startswith(("HEAD", "OPTIONS"))))

    host, port = serving(answer)
    return f"http://{host}:{port}"


@pytest.mark.parametrize("page", [LOCALHOST, LOOPBACK, SANDBOX])
def test_each_page_asks_from_its_own_origin(opened, board, page):
    answer = opened.ask(page, f"{board}/{page}", scripts.fetch(), SECONDS)
    assert (answer.allowed, answer.seen["body"], answer.seen["headers"]) == (True, "hi", [["content-length", "2"]])
    (exchange,) = answer.decision.exchanges
    assert dict(exchange.sent)["Origin"] == opened.server.origin(page)
    assert [row for row in exchange.received if row[0].lower() == "x-a"] == [("X-A", "1"), ("x-a", "2")]


def test_a_refusal_has_the_reason_and_the_preflight(opened, board):
    answer = opened.ask(LOCALHOST, f"{board}/put", scripts.fetch("PUT"), SECONDS)
    decision = answer.decision
    assert (answer.allowed, decision.reason, decision.parameter) == (
        False,
        "MethodDisallowedByPreflightResponse",
        "PUT",
    )
    (preflight,) = decision.preflights
    assert (preflight.method, preflight.status) == ("OPTIONS", 200)
    assert dict(preflight.sent)["Access-Control-Request-Method"] == "PUT"


def test_what_a_script_may_not_send_is_not_sent(opened, board):
    answer = opened.ask(LOCALHOST, f"{board}/trace", scripts.fetch("TRACE"), SECONDS)
    assert (answer.throws, answer.allowed, answer.decision.exchanges) == (True, False, ())


@pytest.mark.parametrize(("path", "seconds", "cause"), [("/cut", SECONDS, "reset"), ("/silent", 0.5, "timeout")])
def test_a_lost_exchange_is_not_a_refusal(opened, board, path, seconds, cause):
    with pytest.raises(LostExchangeError) as raised:
        opened.ask(LOCALHOST, board + path, scripts.fetch(), seconds)
    assert raised.value.cause == cause


def test_a_port_that_the_browser_does_not_ask_is_not_a_lost_exchange(opened):
    answer = opened.ask(LOCALHOST, "http://127.0.0.1:9/", scripts.fetch(), SECONDS)
    assert (answer.allowed, answer.decision.reason, answer.decision.answered) == (
        False,
        "net::ERR_UNSAFE_PORT",
        False,
    )


def test_a_page_that_blocks_costs_one_answer(opened, board, monkeypatch):
    monkeypatch.setattr(tabs, "SECONDS_BEYOND", 1.0)
    with pytest.raises(PageError, match="does not answer"):
        opened.ask(LOCALHOST, f"{board}/blocks", BLOCKS, 0.5)
    monkeypatch.undo()
    assert opened.ask(LOCALHOST, f"{board}/after", scripts.fetch(), SECONDS).allowed
    assert opened.starts == 1


def test_a_browser_that_dies_is_started_again_a_few_times(board, monkeypatch):
    monkeypatch.setattr(tabs, "MOST_STARTS", 2)
    with Tabs(Path(chromium.browser())) as mortal:
        for _ in range(2):
            assert mortal.ask(LOCALHOST, f"{board}/alive", scripts.fetch(), SECONDS).allowed
            _kill(mortal)
            with pytest.raises(BrowserError, match="is gone"):
                mortal.ask(LOCALHOST, f"{board}/dead", scripts.fetch(), SECONDS)
        with pytest.raises(BrowserError, match="has ended 2 times, and is not started again"):
            mortal.ask(LOCALHOST, f"{board}/dead", scripts.fetch(), SECONDS)


def test_a_program_that_is_not_a_browser_is_one_sentence(program):
    with Tabs(program("raise SystemExit(3)")) as opened:
        with pytest.raises(BrowserError, match="exit code 3"):
            opened.open()
        assert opened.starts == 2


def _kill(mortal: Tabs) -> None:
    """Kill the browser itself: the child of its supervisor."""
    supervisor = mortal._browser._process.supervisor.pid
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
