"""Bytes and leaks of one kind of request each are found on the virtual board, and name the metric they belong to."""

from __future__ import annotations

from dataclasses import replace

import pytest
from camrig.bringup.board import Board
from camrig.compare.ab import AbOptions, AbSession
from camrig.compare.libraries import find_library
from camrig.gate.limits import default_limits
from camrig.gate.sequential_plan import SequentialPlan
from camrig.gate.verdict import Outcome
from camrig.prove.faulty_copy import Change
from camrig.settings.resolve import resolve

from benchmarks.application import WIFI
from benchmarks.worse import worse_library
from tests_unit.conftest import ROOT

LIMITS = {name: limit for name, limit in default_limits(paired=True).items() if name.startswith("heap.")}
ONCE = ("import", "first")
AT_IMPORT = """\
import asyncio
_COUNT = [0, 0]
_KEPT = bytearray()
async def _arrive(request):
    _COUNT[1] += 1
    await asyncio.sleep(0)
"""
INITIALIZE = """
def initialize(self, app, handle_cors=True):
    super().initialize(app, handle_cors)
    app.before_request(_arrive)
"""
PER_RESPONSE = """\
_COUNT[0] += 1
content = str(response.headers.get('Content-Type'))
if _COUNT[0] == 1:
    {first}
if 'image/jpeg' in content:
    {picture}
if 'multipart' in content:
    {stream}
if _COUNT[1] > 1:
    {at_once}
_COUNT[1] = max(0, _COUNT[1] - 1)
"""


def library(folder, at_import="", **costs):
    """A copy of the library with a cost for some kinds of requests; others are told apart too, and cost nothing."""
    conditions = dict.fromkeys(("first", "picture", "stream", "at_once"), "pass") | costs
    change = Change(AT_IMPORT + at_import, PER_RESPONSE.format(**conditions), methods=INITIALIZE)
    return find_library(str(worse_library(folder, change)), folder)


@pytest.fixture
def outcomes(tmp_path):
    """The outcomes of a library with costs against one without, by metric."""

    def run(limits=LIMITS, **costs):
        settings = replace(resolve({}, {}, ROOT), wifi=WIFI, lib=ROOT / "lib")
        with Board("sim", settings) as board:
            sides = library(tmp_path / "costly", **costs), library(tmp_path / "plain")
            session = AbSession(board, *sides, AbOptions(limits, SequentialPlan()), tmp_path / "ab")
            session.run()
            verdict = session.comparison().decide()
        for metric in verdict.metrics:
            print(metric.metric, metric.outcome.value, metric.reason)  # shown where the test fails
        return {metric.metric: metric.outcome for metric in verdict.metrics}

    return run


def regressed(outcomes):
    return {name for name, outcome in outcomes.items() if outcome is Outcome.REGRESSED}


def test_costs_that_are_freed_are_found_where_they_are(outcomes):
    verdicts = outcomes(
        limits={name: limit for name, limit in LIMITS.items() if not name.endswith("leak_slope")},
        at_import="_TABLE = bytearray(4096)\ndel _TABLE\n",
        first="bytearray(256)",
        stream="bytearray(32)",
        at_once="request.g.held = bytearray(4096)",
    )
    assert regressed(verdicts) == {
        "heap.import_allocated.microdot.cors",
        "heap.first.allocated",
        "heap.stream.allocated",
        "heap.load.allocated",
        "heap.load.peak",  # what several requests at once hold is alive while their responses are written
    }
    assert Outcome.INCONCLUSIVE not in verdicts.values()


def test_what_is_kept_is_found_where_it_is_and_only_there(outcomes):
    leaks = {name for name in LIMITS if name.endswith("leak_slope")}
    verdicts = outcomes(
        limits={name: limit for name, limit in LIMITS.items() if name in leaks or name.split(".")[1] in ONCE},
        at_import="_TABLE = bytearray(4096)\n",
        first="_KEPT.extend(b'first' * 200)",
        picture="_KEPT.extend(b'sixteen bytes it' * 3)",
    )
    of_pictures = {"heap.picture.leak_slope", "heap.leak_slope"}
    assert regressed(verdicts) >= {"heap.import.microdot.cors", "heap.first.retained", *of_pictures}
    others = leaks - of_pictures - {"heap.load.leak_slope"}  # several clients may ask for pictures, too
    assert {verdicts[name] for name in others} == {Outcome.PASS}
