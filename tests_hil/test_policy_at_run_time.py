"""A change of the policy on the running server is in force from the next response on, however it is made."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from cors_expectation import NOTHING, ORIGINS, PAGE, STRANGER, Cors, expect_all, expect_cors

pytestmark = pytest.mark.functional

WALL = ORIGINS[0]
LISTS = {
    "allowed_origins": [PAGE, WALL],
    "allowed_methods": ["GET", "PUT"],
    "allowed_headers": ["x-one", "x-two"],
    "expose_headers": ["X-Frame", "X-Zoom"],
}


class Answers(NamedTuple):
    """What a PUT for x-one and x-two and a GET get, from PAGE unless another origin is named."""

    preflight: Cors
    actual: Cors
    origin: str = PAGE


def answers(origin: str | None = PAGE, **changes: str | None) -> Answers:
    """What the lists above grant, with changes to the answer to the preflight request."""
    actual = Cors(origin=origin, expose=changes.pop("expose", "X-Frame, X-Zoom"), vary="Origin")
    details = {"methods": "PUT", "headers": "x-one, x-two", "max_age": "5", **changes}
    return Answers(Cors(**{**vars(actual), **details}), actual)


REFUSED = Answers(NOTHING, NOTHING)
UNLISTED_METHOD = answers(methods=None, headers=None, max_age=None)
# What is set, and what the next requests get.
CHANGES: dict[str, tuple[dict[str, Any], Answers]] = {
    "another origin in its place": ({"allowed_origins": [STRANGER, WALL]}, REFUSED),
    "an origin less": ({"allowed_origins": [WALL]}, REFUSED),
    "no origin": ({"allowed_origins": []}, REFUSED),
    "an origin more": ({"allowed_origins": [PAGE, WALL, STRANGER]}, answers()),
    "another method in its place": ({"allowed_methods": ["GET", "POST"]}, UNLISTED_METHOD),
    "a method less": ({"allowed_methods": ["GET"]}, UNLISTED_METHOD),
    "no method": ({"allowed_methods": []}, UNLISTED_METHOD),
    "another header in its place": ({"allowed_headers": ["x-one", "x-six"]}, answers(headers="x-one")),
    "a header less": ({"allowed_headers": ["x-two"]}, answers(headers="x-two")),
    "headers with capitals": ({"allowed_headers": ["X-ONE", "X-Six"]}, answers(headers="x-one")),
    "no header": ({"allowed_headers": []}, answers(headers=None)),
    "another exposed header": ({"expose_headers": ["X-Frame", "X-Tilt"]}, answers(expose="X-Frame, X-Tilt")),
    "exposed headers in another order": (
        {"expose_headers": ["X-Zoom", "X-Frame"]},
        answers(expose="X-Zoom, X-Frame"),
    ),
    "no exposed header": ({"expose_headers": []}, answers(expose=None)),
}
ASSIGNED: dict[str, tuple[dict[str, Any], Answers]] = {
    **{name: CHANGES[name] for name in ("another origin in its place", "another method in its place")},
    **{name: CHANGES[name] for name in ("another header in its place", "another exposed header")},
    "origins None": ({"allowed_origins": None}, REFUSED),
    "origins a string": ({"allowed_origins": PAGE}, answers()),
    "origins a longer string": ({"allowed_origins": f"{PAGE}:8443"}, REFUSED),
    "origins an asterisk": ({"allowed_origins": "*"}, answers()),
    "methods None": ({"allowed_methods": None}, answers()),
    "methods a string": ({"allowed_methods": "put"}, answers()),
    "methods a longer string": ({"allowed_methods": "INPUT"}, UNLISTED_METHOD),
    "headers None": ({"allowed_headers": None}, answers(headers="x-one,x-two")),
    "headers a string": ({"allowed_headers": "X-Two"}, answers(headers="x-two")),
    "headers a longer string": ({"allowed_headers": "x-one,x-two"}, answers(headers=None)),
    "exposed headers None": ({"expose_headers": None}, answers(expose=None)),
    "max_age None": ({"max_age": None}, answers(max_age=None)),
    "max_age 0": ({"max_age": 0}, answers(max_age="0")),
    "max_age -1": ({"max_age": -1}, answers(max_age="0")),
    "max_age 6": ({"max_age": 6}, answers(max_age="6")),
}


def rows_of(send, send_preflight, expected, changes):
    """The exchanges in which the changes matter, and what is expected of them."""
    rows = [(send_preflight(expected.origin, "PUT", "x-one,x-two"), expected.preflight, 204)]
    if "allowed_origins" in changes or "expose_headers" in changes:
        rows.append((send(origin=expected.origin), expected.actual, 200))
    return rows


@pytest.mark.parametrize("name", CHANGES)
def test_list_changed_in_place_is_in_force(policy, send, send_preflight, name):
    changes, expected = CHANGES[name]
    policy(**LISTS, max_age=5)
    rows = rows_of(send, send_preflight, answers(), changes)
    policy.in_place(**changes)
    expect_all([*rows, *rows_of(send, send_preflight, expected, changes)])


@pytest.mark.parametrize("name", ASSIGNED)
def test_assigned_policy_is_in_force(policy, send, send_preflight, name):
    """After the policy of the test before, of which nothing may be left."""
    changes, expected = ASSIGNED[name]
    policy(**{**LISTS, "max_age": 5, **changes})
    expect_all(rows_of(send, send_preflight, expected, changes))


def test_changed_credentials_are_in_force(policy, send, send_preflight):
    rows = []
    for credentials in (False, True, False):
        policy(allow_credentials=credentials)
        actual = Cors(origin=PAGE, credentials="true" if credentials else None, vary="Origin")
        rows += [(send(), actual, 200), (send_preflight(), Cors(**{**vars(actual), "methods": "GET"}), 204)]
    expect_all(rows)


def test_origins_may_become_an_asterisk_and_a_list_again(policy, send):
    rows = []
    for origins, credentials, cors in (
        ("*", False, Cors(origin=STRANGER, vary="Origin")),
        ("*", True, Cors(origin="*", credentials="true")),
        (ORIGINS, True, NOTHING),
        ("*", False, Cors(origin=STRANGER, vary="Origin")),
        (None, False, NOTHING),
        ([STRANGER], False, Cors(origin=STRANGER, vary="Origin")),
    ):
        policy(allowed_origins=origins, allow_credentials=credentials)
        rows.append((send(origin=STRANGER), cors, 200))
    expect_all(rows)


def test_policy_in_force_can_be_read_back(dut, policy, send):
    policy(max_age=7)
    expect_cors(send(), Cors(origin=PAGE, vary="Origin"))
    assert dut.policy()["max_age"] == 7
    assert dut.policy()["allowed_origins"] == ORIGINS
    policy(allowed_origins=PAGE)
    assert dut.policy()["allowed_origins"] == [PAGE]  # a string is a list of one, as microdot.csrf reads it
