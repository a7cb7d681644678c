"""What a board and a browser send is hostile until it is parsed; cookies as browsers treat them."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from camrig.redaction import presentable
from camrig.view.cookies import kept_home
from camrig.view.observation import Observation
from camrig.view.reading import space_of
from camrig.view.status import LENGTH, ROWS, rows, sockets, uptime
from hypothesis import given
from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=20,
)
SITE, BOARD = "http://localhost:8090", "http://192.168.1.20"


@given(JSON)
def test_any_status_becomes_bounded_rows_and_plain_numbers(status):
    for name, value in rows(status):
        assert (presentable(name), presentable(value)) == (name, value)
        assert max(len(name), len(value)) <= LENGTH
    assert sockets(status) is None or sockets(status)[1] > 0
    json.dumps([rows(status), sockets(status), uptime(status)], allow_nan=False)


def test_a_status_is_flat_and_has_no_end_of_rows():
    assert rows({"b": {"c": True, "a": [1, 2]}, "a": None, "z": [[1], [2]]}) == [
        ("b.a", "1, 2"),
        ("b.c", "yes"),
        ("z", "2 values"),
    ]
    assert len(rows({str(number): number for number in range(1000)})) == ROWS


@pytest.mark.parametrize(
    ("entry", "counts"),
    [
        ({"used": 1, "most": 6}, (1, 6)),
        ({"used": 7, "most": 6}, (7, 6)),
        ({"used": True, "most": 6}, None),
        ({"used": -1, "most": 6}, None),
        ({"used": 1, "most": 0}, None),
        ({"used": 1}, None),
        ([1, 6], None),
    ],
)
def test_sockets_are_two_counts_or_unknown(entry, counts):
    assert sockets({"sockets": entry}) == counts


@given(JSON)
def test_a_report_is_an_observation_or_is_refused(report):
    with suppress(ValueError):
        assert isinstance(Observation.parse(report), Observation)


def test_a_report_of_too_many_members_is_refused():
    report = {"secure": True, "protocol": "http:", "reached": {}, "outcomes": {}}
    Observation.parse({**report, "permissions": {str(number): "denied" for number in range(20)}})
    with pytest.raises(ValueError, match="few members"):
        Observation.parse({**report, "permissions": {str(number): "denied" for number in range(21)}})


def test_a_report_is_read_and_cut():
    seen = Observation.parse(
        {
            "secure": True,
            "protocol": "http:",
            "reached": {"ok": False, "text": "x" * 999},
            "permissions": {"local-network": "denied"},
            "outcomes": {"status": {"ok": True, "text": "200"}},
        }
    )
    assert (seen.secure, seen.reached.ok, len(seen.reached.text)) == (True, False, 200)
    assert seen.outcomes["status"].ok
    assert seen.permissions == {"local-network": "denied"}


@pytest.mark.parametrize(
    ("cookie", "origin", "url", "words"),
    [
        ("a=b", SITE, BOARD, "Lax by default"),
        ("a=b; SameSite=lax", SITE, BOARD, "SameSite=Lax:"),
        ("a=b; Path=/; SAMESITE=Strict", SITE, BOARD, "Strict"),
        ("a=b; SameSite=None", SITE, BOARD, "without Secure"),
        ("a=b; SameSite=None; Secure", SITE, BOARD, "the board is http"),
        ("a=b; SameSite=None; secure", SITE, "https://cam.example", ""),
        ("a=b; SameSite=None; Secure", SITE, "http://127.0.0.1:8080", ""),
        ("a=b", SITE, "http://localhost:8080", ""),  # another port is the same site
        ("a=b", SITE, "https://localhost:8080", "Lax by default"),  # another scheme is not
        ("a=b; SameSite=x", SITE, BOARD, "Lax by default"),
        ("", SITE, BOARD, "Lax by default"),
    ],
)
def test_a_cookie_stays_home_as_browsers_keep_it(cookie, origin, url, words):
    reason = kept_home(cookie, origin, url)
    assert words in reason
    assert bool(reason) == bool(words)


@pytest.mark.parametrize(
    ("host", "space"),
    [
        ("127.9.9.9", "loopback"),
        ("::1", "loopback"),
        ("::ffff:10.0.0.1", "local"),
        ("192.168.4.1", "local"),
        ("172.31.0.1", "local"),
        ("169.254.1.1", "local"),
        ("fe80::1", "local"),
        ("fd00::1", "local"),
        ("8.8.8.8", "public"),
        ("a..b", "unknown"),
    ],
)
def test_address_spaces_are_those_of_local_network_access(host, space):
    assert space_of(host) == space
