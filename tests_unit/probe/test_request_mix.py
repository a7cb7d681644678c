"""The mix of requests: all kinds that an application answers, and origins and names that were in no request yet."""

from __future__ import annotations

import pytest
from camrig.probe.client import Phases, Response
from camrig.probe.request_kinds import PAGE, REQUEST_KINDS
from camrig.probe.request_mix import (
    as_bytes,
    fill_caches,
    kinds_of_application,
    mistakes,
    mixed,
    over_route,
    unseen_requests,
)

NAMES = [kind.name for kind in REQUEST_KINDS]
OPTIONAL = [kind.name for kind in REQUEST_KINDS if kind.optional]


def answer(status=200, *headers):
    return Response(status, "", list(headers), b"", Phases(1, 2, 3))


def server(statuses):
    """Answers each target with its status, 200 by default."""
    return lambda method, target, headers, body: answer(statuses.get(target.split("?")[0], 200))


@pytest.mark.parametrize(
    ("statuses", "missing"),
    [
        ({}, []),
        ({"/capture": 404, "/stream": 404}, OPTIONAL),
        ({"/capture": 503}, ["picture"]),
        ({"/stream": 404}, ["stream"]),
        ({"/capture": 500}, []),
    ],
    ids=["all routes", "no camera", "no picture now", "no stream", "a crash"],
)
def test_only_optional_kinds_without_a_route_are_left_out(statuses, missing):
    names = [kind.name for kind in kinds_of_application(server(statuses))]
    assert names == [name for name in NAMES if name not in missing]


def test_only_requests_of_the_page_go_over_another_route():
    for before, after in zip(REQUEST_KINDS, over_route(REQUEST_KINDS, "/light"), strict=True):
        moved = before.name in ("actual", "actual_refused", "actual_no_origin")
        assert after.message[1] == ("/light" if moved else before.message[1])
        assert (after.message[0], after.message[2:]) == (before.message[0], before.message[2:])


def test_unseen_origins_and_names_never_repeat():
    seen: set[str] = set()
    for _ in range(50):
        for kind in unseen_requests():
            headers = dict(kind.message[2])
            new = headers["Origin"] + headers.get("Access-Control-Request-Headers", "")
            assert new not in seen
            assert headers["Origin"] != PAGE.origin or headers["Access-Control-Request-Headers"] not in PAGE.headers
            seen.add(new)


def test_a_mix_has_every_kind_and_is_as_many_bytes_on_the_wire():
    kinds = mixed(REQUEST_KINDS)
    requests = as_bytes(kinds, "board:80")
    assert [kind.name for kind in requests.values()] == [kind.name for kind in kinds]
    assert [kind.name for kind in kinds[: len(NAMES)]] == NAMES
    assert all(b"\r\nHost: board:80\r\n" in request for request in requests)


ALLOWED = ("Access-Control-Allow-Origin", PAGE.origin)


@pytest.mark.parametrize(
    ("headers", "mistake"),
    [
        ([ALLOWED], ""),
        ([], "the page is not allowed"),
        ([("Access-Control-Allow-Origin", "https://a.example")], "the page is not allowed"),
        ([ALLOWED, ("Access-Control-Allow-Headers", "X-Frame")], ""),
        ([ALLOWED, ("Access-Control-Allow-Headers", "{name}")], "{name} is allowed"),
    ],
    ids=["no names", "no origin", "another origin", "other names", "the name"],
)
def test_an_unseen_header_must_not_be_allowed(headers, mistake):
    kind = unseen_requests()[-1]
    name = dict(kind.message[2])["Access-Control-Request-Headers"]
    response = answer(204, *((header, value.format(name=name)) for header, value in headers))
    assert kind.mistake_in(response) == mistake.format(name=name)


def test_mistakes_name_the_kind_in_words():
    wrong = mistakes(server({"/api/missing": 200}), REQUEST_KINDS)
    assert "a request for a missing page: status 200" in wrong
    assert not any("not allowed" in text for text in wrong)


def test_caches_are_filled_until_the_time_is_over():
    sent = []

    def send(*message):
        sent.append(message)
        origin = dict(message[2])["Origin"]
        return answer(200, *([ALLOWED] if origin == PAGE.origin else []))

    assert fill_caches(send, 110) == []
    assert len({dict(message[2])["Origin"] for message in sent}) > 200
    sent.clear()
    assert fill_caches(send, 110, seconds=0.0) == []
    assert len(sent) == 3


def test_a_wrong_answer_ends_the_filling():
    assert len(fill_caches(server({}), 110)) == 1
