"""Six viewers of the stream, silent clients and vanished ones leave a place to everybody else."""

from __future__ import annotations

import time
from contextlib import ExitStack
from statistics import median

import pytest
from camrig.deadline import Deadline
from camrig.measure.statistics import quantile
from camrig.probe.client import LostExchangeError, cause_of, request_bytes
from camrig.probe.load import run_load
from camrig.probe.misbehaving_clients import GET, open_connection
from camrig.probe.preflight import preflight_headers
from cors_expectation import PAGE, STATUS, Cors, differences
from viewers import Viewers

VIEWERS = 6
HEAP_OF_A_CLIENT = 8192  # bytes: a small heap has room for fewer viewers
PREFLIGHTS, AT_ONCE = 100, 10  # and between tens of them, what a dashboard shows
ALONE = 10
SLOWEST = 1000.0  # milliseconds of the p95, at most, or
TIMES_ALONE = 8  # that many times what a slow board needs with nobody else
SETTLED = 1.0  # seconds after which a client that sends no whole request has to make way
SECONDS = 240.0
SECONDS_OF_A_VIEWER = 30.0  # from the end of one until another gets a picture
SILENT, HALF_OPEN, UNREAD, RESET = 4, 2, 2, 2


@pytest.fixture
def viewers(dut, policy):
    """Nobody watches yet."""
    policy(max_age=600)
    answer = dut.request("GET", "/stream?frames=1&interval_ms=0")
    if answer.status == 404:
        pytest.skip("this application has no /stream")
    with Viewers(dut.address, PAGE) as opened:
        yield opened


@pytest.fixture
def audience(dut, viewers):
    """As many viewers as the board has room for."""
    room = min(VIEWERS, dut.heap().free // HEAP_OF_A_CLIENT - 1)

    def opened(seconds):
        try:
            return viewers.open()
        except OSError as error:
            raise LostExchangeError(str(error), cause_of(error)) from None

    while len(viewers.watching) < room:
        status = dut.repeat_lost("a viewer's stream", opened).status
        assert status == 200, f"viewer {len(viewers.watching) + 1} of {room} was refused"
    return viewers


@pytest.fixture
def send(dut):
    """Send requests one after the other: ``send("OPTIONS", STATUS, 100)`` returns what ``run_load`` does."""
    host, port = dut.address
    granted = Cors(origin=PAGE, methods="GET", max_age="600", vary="Origin")

    def repeat(method, target, count, timeout=15.0):
        headers = preflight_headers(PAGE, "GET") if method == "OPTIONS" else [("Origin", PAGE)]
        expected = (granted, 204) if method == "OPTIONS" else (Cors(origin=PAGE, vary="Origin"), 200)

        def check(request, response):
            return next(iter(differences(response, *expected)), "")

        raw = request_bytes(method, target, f"{host}:{port}", headers)
        return run_load(dut.address, [raw], 1, count, SECONDS, timeout, check)

    return repeat


def everything(address, viewers, stack):
    """Clients that hold a connection and use it for nothing, and viewers that vanish."""
    for viewer in viewers.watching[:UNREAD]:
        viewers.leave(viewer)
    for viewer in viewers.watching[:RESET]:
        viewers.leave(viewer)
        viewer.reset()
        viewers.open()
    for number in range(SILENT + HALF_OPEN):
        client = stack.enter_context(open_connection(address))
        if number >= SILENT:
            client.sendall(GET)


CROWDS = {
    "nobody else": lambda address, viewers, stack: None,
    "clients that send nothing": lambda address, viewers, stack: [
        stack.enter_context(open_connection(address)) for _ in range(SILENT)
    ],
    "clients of all kinds": everything,
}


@pytest.mark.parametrize("crowd", CROWDS)
def test_a_dashboard_works_beside_viewers(dut, viewers, send, measure, crowd, request):
    alone = send("OPTIONS", STATUS, ALONE)
    pace = median(alone.latencies)
    slowest = max(SLOWEST, TIMES_ALONE * pace)
    timeout = max(5.0, 5 * slowest / 1000)
    audience = request.getfixturevalue("audience")
    with ExitStack() as stack:
        CROWDS[crowd](dut.address, audience, stack)
        time.sleep(max(SETTLED, 5 * pace / 1000))
        frames, latencies, losses = audience.frames(), [], []
        for _ in range(PREFLIGHTS // AT_ONCE):
            results = [send("OPTIONS", STATUS, AT_ONCE, timeout), send("GET", STATUS, 1), send("GET", "/capture", 1)]
            assert [result.wrong for result in results] == [()] * 3
            losses += [result.errors for result in results if result.errors]
            latencies += results[0].latencies
            if losses and not alone.errors:
                break  # nothing was lost with nobody else
        seen = [after - before for before, after in zip(frames, audience.frames(), strict=True)]
    assert not losses or alone.errors, f"lost beside {len(frames)} viewers: {losses}"
    measure("viewers.preflight.latency", latencies, unit="ms")
    assert quantile(latencies, 0.95) < slowest, f"{pace:.0f} ms with nobody else"
    assert [viewer.ended for viewer in audience.watching] == [False] * len(frames), "viewers were disconnected"
    assert min(seen) > 0, f"frames that the viewers saw meanwhile: {seen}"


def test_a_viewer_too_many_is_refused_in_words_that_a_page_can_read(audience):
    refused = audience.open()
    assert refused.status == 503
    assert int(refused.head["retry-after"]) > 0
    assert refused.head["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize("end", ["reset", "silence"])
def test_the_next_viewer_gets_the_place_of_one_that_vanished(dut, viewers, request, end):
    vanished = viewers.open("/stream?interval_ms=0")  # so fast that the board's buffers are soon full
    audience = request.getfixturevalue("audience")
    viewers.leave(vanished)
    if end == "reset":
        vanished.reset()
    until = Deadline.after(SECONDS_OF_A_VIEWER)
    while audience.open().status != 200:
        assert not until.passed, f"no picture within {SECONDS_OF_A_VIEWER:.0f} s"
        time.sleep(0.5)
    newest = audience.watching[-1]
    while not newest.frames:
        assert not until.passed, f"no picture within {SECONDS_OF_A_VIEWER:.0f} s"
        time.sleep(0.05)
