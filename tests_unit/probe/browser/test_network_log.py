"""The log of a page puts events together: headers as received, hops in order, each with its own preflight."""

from __future__ import annotations

import itertools

import pytest
from camrig.probe.browser.network_log import MOST_REQUESTS, NetworkLog, raw_headers

URL, NEXT = "http://board:8080/a?cell=1", "http://board:8080/b"


def sent(number, url, method="GET", before=""):
    initiator = {"type": "preflight", "requestId": before} if before else {"type": "script"}
    request = {"url": url, "method": method}
    return "Network.requestWillBeSent", {"requestId": number, "request": request, "initiator": initiator}


def received(number, status, text=""):
    lines = "".join(f"{line}\r\n" for line in text.splitlines())
    head = f"HTTP/1.0 {status} OK\r\n{lines}\r\n"
    return "Network.responseReceivedExtraInfo", {"requestId": number, "statusCode": status, "headersText": head}


def ended(number, **failure):
    return f"Network.loading{'Failed' if failure else 'Finished'}", {"requestId": number, **failure}


def log_of(*events):
    log = NetworkLog()
    for event, params in events:
        log.feed(event, params)
    return log


SIMPLE = (sent("7", URL), received("7", 200, "Vary: A\nVary: Origin"), ended("7"))
REFUSED = (
    sent("7", URL, "PUT"),
    sent("P", URL, "OPTIONS", before="7"),
    received("P", 204),
    ended("P"),
    ended("7", corsErrorStatus={"corsError": "MethodDisallowedByPreflightResponse", "failedParameter": "PUT"}),
)
REDIRECTED = (
    sent("7", URL, "PUT"),
    sent("P", URL, "OPTIONS", before="7"),
    received("P", 204, "Access-Control-Allow-Methods: PUT"),
    ended("P"),
    received("7", 307, "Location: /b"),
    sent("7", NEXT, "PUT"),
    sent("Q", NEXT, "OPTIONS", before="7"),
    received("Q", 200),
    ended("Q"),
    received("7", 405),
    ended("7"),
)


def test_lines_of_one_header_stay_apart():
    (hop,) = log_of(*SIMPLE).decision(URL).hops
    assert (hop.status, hop.headers, hop.preflight) == (200, [("Vary", "A"), ("Vary", "Origin")], None)


def test_raw_headers_keep_their_order_and_case():
    text = "HTTP/1.0 200 OK\r\nb: 1\r\nA:2\r\nb:  3 \r\nempty:\r\n\r\n"
    assert raw_headers(text) == [("b", "1"), ("A", "2"), ("b", "3"), ("empty", "")]


def test_reason_and_preflight_belong_to_the_request():
    decision = log_of(*REFUSED).decision(URL)
    assert (decision.reason, decision.parameter, decision.failure) == (
        "MethodDisallowedByPreflightResponse",
        "PUT",
        "",
    )
    assert [(exchange.method, exchange.status) for exchange in decision.preflights] == [("OPTIONS", 204)]


def test_each_hop_has_its_own_preflight_request():
    hops = log_of(*REDIRECTED).decision(URL).hops
    assert [(hop.status, hop.preflight) for hop in hops] == [
        (307, (204, [("Access-Control-Allow-Methods", "PUT")])),
        (405, (200, [])),
    ]


@pytest.mark.parametrize("events", [SIMPLE, REFUSED, REDIRECTED], ids=["simple", "refused", "redirected"])
def test_a_request_is_known_once_all_of_it_is_reported(events):
    """What the network knows comes from another process than what the page knows, earlier or later."""
    for number in range(len(events)):
        assert not log_of(*events[:number]).is_known(URL)
    assert log_of(*events).is_known(URL)
    own = [event for event in events if event[1]["requestId"] == "7"]
    for order in itertools.permutations(events):
        if len(events) <= 5 and [event for event in order if event[1]["requestId"] == "7"] == own:
            log = log_of(*order)
            assert log.is_known(URL)
            assert log.decision(URL).hops == log_of(*events).decision(URL).hops


def test_a_response_that_was_given_up_is_waited_for():
    """A page drops a stream: what the network knows of its headers may come after that."""
    answered = "Network.responseReceived", {"requestId": "7", "hasExtraInfo": True}
    dropped = (sent("7", URL), answered, ended("7", errorText="net::ERR_ABORTED"))
    assert not log_of(*dropped).is_known(URL)
    assert log_of(*dropped, received("7", 200)).is_known(URL)
    assert log_of(sent("7", URL), ended("7", errorText="net::ERR_ABORTED")).is_known(URL)


def test_what_was_forgotten_says_nothing_of_the_next_request():
    log = log_of(*SIMPLE[:2])
    log.clear()
    for event, params in (SIMPLE[2], sent("8", URL), received("8", 404), ended("8")):
        log.feed(event, params)
    assert [hop.status for hop in log.decision(f"{URL}#part").hops] == [404]


def test_only_the_latest_requests_are_kept():
    log = log_of(*(sent(str(number), f"{URL}{number}") for number in range(MOST_REQUESTS + 5)))
    assert [exchange.url for exchange in log.exchanges][:1] == [f"{URL}5"]
    assert len(log.decisions) == MOST_REQUESTS


def test_a_preflight_that_is_reported_last_is_waited_for():
    own = [event for event in REFUSED if event[1]["requestId"] == "7"]
    preflight = [event for event in REFUSED if event[1]["requestId"] == "P"]
    for number in range(len(preflight)):
        assert not log_of(*own, *preflight[:number]).is_known(URL)
    assert log_of(*own, *preflight).is_known(URL)


def test_requests_for_other_urls_are_left_out():
    stray = (sent("8", NEXT), ended("8", corsErrorStatus={"corsError": "MissingAllowOriginHeader"}))
    log = log_of(*SIMPLE, *stray)
    assert log.decision(URL).reason == ""
    assert log.decision(NEXT).reason == "MissingAllowOriginHeader"
    assert not log.is_known("http://board:8080/c")


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        ("net::ERR_CONNECTION_RESET", True),
        ("net::ERR_CONNECTION_REFUSED", True),
        ("net::ERR_EMPTY_RESPONSE", True),
        ("net::ERR_TIMED_OUT", True),
        ("net::ERR_ADDRESS_UNREACHABLE", True),
        ("net::ERR_FAILED", False),
        ("net::ERR_ABORTED", False),
        ("net::ERR_TOO_MANY_REDIRECTS", False),
        ("net::ERR_UNSAFE_REDIRECT", False),
    ],
)
def test_a_lost_connection_is_not_a_refusal(error, lost):
    decision = log_of(sent("7", URL), ended("7", errorText=error)).decision(URL)
    assert (decision.failure, decision.reason) == ((error, "") if lost else ("", error))


@pytest.mark.parametrize(
    "params", [{}, {"requestId": 7}, {"requestId": "7"}, {"requestId": "7", "request": None, "headers": []}]
)
def test_events_without_what_they_should_have_are_survived(params):
    names = ("requestWillBeSent", "requestWillBeSentExtraInfo", "responseReceivedExtraInfo", "loadingFailed", "other")
    log = log_of(*((f"Network.{name}", params) for name in names))
    assert log.decision(URL).exchanges == ()
