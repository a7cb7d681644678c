"""In Chromium, pages draw the camera's pictures, read its stream and take its events as far as the policy means."""

from __future__ import annotations

import pytest
from browser_cells import Ask, policies
from camrig.errors import NotAvailableError
from camrig.probe.browser.page_server import PAGES
from routes import extra_routes

pytestmark = pytest.mark.functional

MODES = (None, "anonymous", "use-credentials")
PICTURES = ("/stream?frames=2&interval_ms=0", "/stream?interval_ms=20")
POLICIES = ("listed", "other origins", "any origin", "credentials", "any origin, credentials", "null listed")


@pytest.fixture(scope="module")
def camera(dut):
    """A camera that takes pictures."""
    status = dut.request("GET", "/capture").status
    if status != 200:
        raise NotAvailableError(f"the camera takes no picture: /capture is answered with {status}")


@pytest.mark.parametrize("name", POLICIES)
def test_picture_is_drawn_and_read_back(judge, policy, camera, name):
    def check(verdict):
        seen, tainted = verdict.answer.seen, verdict.ask.mode is None
        if seen["tainted"] is not tainted:
            verdict.fail(f"the canvas is {'tainted' if seen['tainted'] else 'readable'} with that picture on it")
        elif not tainted and (seen["bytes"] != seen["width"] * seen["height"] * 4 or not seen["bytes"]):
            verdict.fail(f"the page reads {seen['bytes']} bytes of {seen['width']} x {seen['height']} pixels")

    asks = [Ask("picture", page, kind="image", path="/capture", mode=mode) for page in PAGES for mode in MODES]
    judge.judge(name, policy(**policies(judge.origin)[name][0]), asks, check)


@pytest.mark.parametrize("name", POLICIES[:4])
def test_stream_is_read_by_a_script(judge, policy, camera, name):
    def check(verdict):
        body = verdict.answer.seen["body"]
        if not body.startswith("--frame\r\nContent-Type: image/jpeg\r\n"):
            verdict.fail(f"the page reads {body[:60]!r} where a stream begins")

    asks = [
        Ask("stream", page, kind="stream", path=path, credentials=mode)
        for page, path, mode in [
            *((page, PICTURES[0], mode) for page in PAGES for mode in ("omit", "include")),
            *((page, PICTURES[1], "omit") for page in PAGES),
        ]
    ]
    judge.judge(name, policy(**policies(judge.origin)[name][0]), asks, check)


@pytest.mark.parametrize("name", POLICIES[:5])
def test_event_source_gets_its_events(judge, policy, dut, name):
    def check(verdict):
        if verdict.answer.seen["body"] != "7":
            verdict.fail(f"the page gets {verdict.answer.seen['body']!r} where the event is '7'")

    asks = [
        Ask("events", page, kind="events", path="/suite/events", credentials=mode)
        for page in PAGES
        for mode in ("same-origin", "include")
    ]
    with extra_routes(dut):
        judge.judge(name, policy(**policies(judge.origin)[name][0]), asks, check)
