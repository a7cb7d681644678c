"""Chromium asks before a request as often as ``max_age`` says, in its own word and in the board's count."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from browser_cells import Ask
from browser_verdict import CANNOT, conclude
from camrig.probe.browser.page_server import LOCALHOST, LOOPBACK, SANDBOX
from routes import counted_preflights

pytestmark = pytest.mark.functional

PUT = Ask("kept preflight", method="PUT")
TWO = (("X-One", "1"), ("X-Two", "2"))
RELOAD = "reload"
ATTEMPTS = 3  # at a sequence in which nothing is lost
# What is asked of one URL, a number for seconds to wait, and how many preflight requests that takes.
SEQUENCES = {
    "twice": ([PUT, PUT], 1),
    "three times": ([PUT, PUT, PUT], 1),
    "after a reload": ([PUT, RELOAD, PUT], 1),
    "another method": ([PUT, replace(PUT, method="DELETE")], 2),
    "the first method again": ([PUT, replace(PUT, method="DELETE"), PUT], 3),  # Chromium keeps the latest answer
    "another header": ([replace(PUT, headers=TWO[:1]), replace(PUT, headers=TWO[1:])], 2),
    "one header of two": ([replace(PUT, headers=TWO), replace(PUT, headers=TWO[1:])], 1),
    "one header more": ([replace(PUT, headers=TWO[:1]), replace(PUT, headers=TWO)], 2),
    "another page": ([PUT, replace(PUT, page=LOOPBACK)], 2),
    "other credentials": ([PUT, replace(PUT, credentials="include")], 2),
    "a simple request": ([PUT, replace(PUT, method="GET")], 1),
}
AGES = {
    "600": (600, "twice", 1),
    "none": (None, "twice", 1),
    "0": (0, "twice", 2),
    "below 0": (-1, "twice", 2),
    "more than browsers keep": (10**9, "twice", 1),
    "1, and a second later": (1, [PUT, 1.3, PUT], 2),
}


@pytest.fixture(scope="module")
def preflights(dut, tabs):
    with counted_preflights(dut) as count:
        yield count


def _ask(judge, *arguments):
    """Ask one URL in this order; once more with another URL if the network lost something: browser and board then do
    not have the same count, whatever the library does."""
    for _ in range(ATTEMPTS):
        before = judge.sent
        verdicts = _ask_once(judge, *arguments)
        if judge.sent - before == len(verdicts):
            return verdicts
    lost = "an exchange was lost and repeated, so that nobody knows how many preflight requests there should be"
    return [replace(verdict, outcome=CANNOT, faults=[lost]) for verdict in verdicts]


def _ask_once(judge, tabs, preflights, policy, max_age, steps, expected):
    """Ask one URL in this order, and count what the browser says and what the board got."""
    origins = [judge.origin(LOCALHOST), judge.origin(LOOPBACK), SANDBOX]
    values = policy(allowed_origins=origins, allow_credentials=True, max_age=max_age)
    url = judge.target(PUT.path)
    start, verdicts = time.monotonic(), []
    for step in steps:
        if step == RELOAD:
            tabs.reload(LOCALHOST)
        elif isinstance(step, float):
            time.sleep(step)
        else:
            verdicts.append(judge.verdict(values, step))
            judge.decide(verdicts[-1], url=url)
    seconds, last = time.monotonic() - start, verdicts[-1]
    reported = sum(verdict.preflights for verdict in verdicts)
    got = preflights(url.rpartition("=")[2])
    kept = 5 if max_age is None else max_age
    if expected < len(verdicts) and seconds > kept > 0:
        last.block(f"these requests took {seconds:.1f} s, and the answer is kept for {kept} s: the board is too slow")
    elif got != expected:
        last.fail(f"the board got {got} preflight requests where the policy means {expected}")
    if reported != got:
        last.block(f"the browser reports {reported} preflight requests, and the board got {got}")
    return verdicts


@pytest.mark.parametrize("name", SEQUENCES)
def test_granted_preflight_is_kept(judge, tabs, preflights, policy, name):
    verdicts = _ask(judge, tabs, preflights, policy, 600, *SEQUENCES[name])
    judge.keep(f"max_age 600, {name}", verdicts)
    conclude(verdicts)


@pytest.mark.parametrize("name", AGES)
def test_max_age_says_how_long_it_is_kept(judge, tabs, preflights, policy, name):
    max_age, steps, expected = AGES[name]
    steps = SEQUENCES[steps][0] if isinstance(steps, str) else steps
    verdicts = _ask(judge, tabs, preflights, policy, max_age, steps, expected)
    judge.keep(f"max_age {name}", verdicts)
    conclude(verdicts)
