"""The timed part of a comparison: what each kind of request adds, fresh copies, bursts, and wrong answers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from random import Random
from statistics import median
from types import SimpleNamespace

import pytest
from camrig.compare import timed
from camrig.compare.metrics import FIRST_TIME, IMPORT_TIME, LOAD_TIME, added
from camrig.compare.timed import ENOUGH_IF_RED, LOOK_EVERY, TimedPart
from camrig.deadline import Deadline
from camrig.errors import AgentError, BlockedError, ServerSilentError, WrongAnswerError
from camrig.gate.limits import default_limits, parse_limits
from camrig.gate.sequential_plan import SequentialPlan
from camrig.gate.verdict import Outcome
from camrig.measure.recorder import Recorder
from camrig.probe.agent import SIDE_HEADER
from camrig.probe.client import Phases, Response
from camrig.probe.interleaved import CONTROL, SIDES
from camrig.probe.load import LoadResult
from camrig.probe.request_kinds import PAGE, REQUEST_KINDS
from camrig.prove.faulty_copy import Change

from benchmarks.worse import on_kind

ALL_TIMES = {name: str(limit) for name, limit in default_limits(paired=True).items() if name.startswith("latency.")}
BY_NAME = {kind.name: kind for kind in REQUEST_KINDS}
IS_PICTURE = "'image/jpeg' in str(response.headers.get('Content-Type'))"
IS_STREAM = "'multipart' in str(response.headers.get('Content-Type'))"
LOOP = "for _ in range({}): pass"
METHODS = {"preflight": b"OPTIONS", "actual": b"GET"}
ALLOW = [("Access-Control-Allow-Origin", PAGE.origin), ("Access-Control-Allow-Headers", "content-type, x-frame")]
# The pause lets other clients' requests come in, although a small response is sent at once.
COUNTING = """import asyncio

_SENT = [0]


def _count_while_sent(response):
    write = response.write

    async def counted(stream):
        _SENT[0] += 1
        try:
            await asyncio.sleep(0.02)
            await write(stream)
        finally:
            _SENT[0] -= 1

    response.write = counted"""
COUNT_CALL = "_count_while_sent(response)"


def level(session, side, metric):
    return median(getattr(session.comparison(), side).metrics[metric].values)


def rise(session, metric):
    """The median of the candidate's values above the baseline's."""
    return level(session, "candidate", metric) - level(session, "baseline", metric)


def looping(name, turns):
    """A loop in the answers to one kind of request."""
    if name == "picture":
        return Change(per_response=f"if {IS_PICTURE}:\n    {LOOP.format(turns)}")
    if name == "stream":
        return Change(per_response=f"if {IS_STREAM}:\n    {LOOP.format(turns)}")
    return on_kind(Change(per_response=LOOP.format(turns)), name)


def test_every_kind_shows_what_is_added_to_it_alone(make_session):
    turns = {kind.name: 1000 * 3**place for place, kind in enumerate(REQUEST_KINDS)}
    loops = [looping(name, count).per_response for name, count in turns.items()]
    # Pictures and streams are requests of an allowed page that are answered with 200, too: they come first.
    code = "\n".join([*loops[-2:], f"if not ({IS_PICTURE} or {IS_STREAM}):"])
    code += "".join("\n    " + line for loop in loops[:-2] for line in loop.splitlines())
    session = make_session(ALL_TIMES, fault=Change(per_response=code), batches=3)
    session.run()
    rises = [rise(session, added(name)) for name in turns]
    assert rises[0] > 50
    for smaller, larger in pairwise(rises):  # each loop is three times as long, and the machine may be busy
        assert larger > smaller
    assert set(session.comparison().candidate.metrics) >= {name for name in ALL_TIMES if not name.endswith("tail")}


@pytest.mark.parametrize(("metric", "change"), [
    (FIRST_TIME, Change("_N = [0]", f"_N[0] += 1\nif _N[0] == 1:\n    {LOOP.format(100000)}")),
    (IMPORT_TIME, Change(LOOP.format(300000))),
])  # fmt: skip
def test_first_requests_and_imports_are_timed_in_every_batch(make_session, metric, change):
    session = make_session(ALL_TIMES, fault=change, batches=3)
    session.run()
    assert len(session.comparison().candidate.metrics[metric].batches) == 3
    assert level(session, "candidate", metric) > 3 * level(session, "baseline", metric)
    quick = [added(kind.name) for kind in REQUEST_KINDS]
    assert all(abs(rise(session, name)) < 500 for name in quick)


def test_a_loop_while_another_response_is_sent_shows_under_load(make_session):
    after = f"if _SENT[0]:\n    {LOOP.format(200000)}\n{COUNT_CALL}"
    session = make_session(ALL_TIMES, fault=Change(COUNTING, after_response=after), batches=3)
    session.run()
    assert level(session, "candidate", LOAD_TIME) > 3 * level(session, "baseline", LOAD_TIME)


@pytest.mark.parametrize(("results", "error"), [
    ([{"status": 1}], None),
    ([{"status": 2}, {"status": 1}], WrongAnswerError),
    ([{"reset": 1}], None),
    ([{"reset": 1}] * 4, None),
    ([{"timeout": 2, "refused": 1}] * 5, ServerSilentError),
    ([{}], None),
])  # fmt: skip
def test_a_burst_blames_statuses_and_repeats_lost_exchanges(monkeypatch, results, error):
    left = list(results)

    def load(address, requests, clients, each, *, check, counts, kind):
        errors = left.pop(0) if left else {}
        answered = (clients * each - sum(errors.values())) * (1.0,)
        for request in requests[:4]:
            kind = next(name for name in ("preflight", "actual") if request.startswith(METHODS[name]))
            check(request, Response(BY_NAME[kind].statuses[0], "", ALLOW, b"", Phases(1, 2, 3, 0.5)))
        return LoadResult(clients, answered, errors)

    monkeypatch.setattr(timed, "run_load", load)
    dut, timed_part = ScriptedDut(BY_NAME["actual"], {}), part()
    if error is None:
        assert timed_part._burst(dut, "a") == [0.5, 0.5]
        return
    with pytest.raises(error):
        timed_part._burst(dut, "a")


def test_wrong_answers_to_clients_at_once_fail_the_candidate(make_session):
    after = f"if _SENT[0]:\n    headers.pop('Access-Control-Allow-Origin', None)\n{COUNT_CALL}"
    session = make_session({LOAD_TIME: "+15%"}, fault=Change(COUNTING, after_response=after), batches=2)
    with pytest.raises(WrongAnswerError, match="to one of 4 clients at once"):
        session.run()


@pytest.mark.parametrize("is_explicit", [True, False])
def test_an_optional_kind_without_a_route_is_left_out(make_session, monkeypatch, is_explicit):
    stream = replace(BY_NAME["stream"], message=("GET", "/nowhere", [], b""))
    monkeypatch.setattr(timed, "REQUEST_KINDS", [BY_NAME["preflight"], stream])
    limits = {added("preflight"): "+15 points", added("stream"): "+15 points"}
    session = make_session(limits, batches=2)
    said = []
    monkeypatch.setattr(session.board.steps, "say", said.append)
    session.timed.run(session._folder)
    session.hashes.update(a="", b="")
    session.board.settings = replace(session.board.settings, limits=limits if is_explicit else {})
    comparison = session.comparison()
    assert added("stream") not in comparison.candidate.metrics
    assert (added("stream") in comparison.limits) == is_explicit
    outcomes = {metric.metric: metric.outcome for metric in comparison.decide().metrics}
    assert outcomes.get(added("stream"), Outcome.BLOCKED) is Outcome.BLOCKED
    assert "a stream of two frames is not timed: the application has no /nowhere" in said


class ScriptedDut:
    """Answers rightly, except for the numbers of requests in ``wrong``, by side."""

    address = ("127.0.0.1", 80)
    exchanges = None

    def __init__(self, kind, wrong):
        self.kind, self.wrong, self.counts = kind, wrong, Counter()

    def request(self, method, target, headers, body):
        side = dict(headers)[SIDE_HEADER]
        self.counts[side] += 1
        is_wrong = self.counts[side] in self.wrong.get(side, ())
        return Response(500 if is_wrong else self.kind.statuses[0], "", ALLOW, b"", Phases(1, 2, 3, 0.5))


def part(options=None, verdict=None):
    names = {side: SimpleNamespace(name=f"library {side}") for side in SIDES}
    board = SimpleNamespace(spec="board")
    recorders = {side: Recorder() for side in SIDES}
    return TimedPart(board, names, recorders, options, Random(0), None, verdict, {})


@pytest.mark.parametrize(("wrong", "error"), [
    ({"a": {1}}, None),
    ({"a": {1, 2}}, WrongAnswerError),
    ({"a": {1, 4}}, WrongAnswerError),
    ({"b": {1}}, None),
    ({"b": {1, 2}}, BlockedError),
    ({"b": {3, 5}}, BlockedError),
    ({"a": {2}, "b": {3}}, None),
    ({"a": {3}, CONTROL: {3}}, AgentError),
    ({CONTROL: {1}}, None),
    ({CONTROL: {1, 2}}, AgentError),
    ({"c": {1, 2}}, WrongAnswerError),
    ({"d": {1, 2}}, BlockedError),
])  # fmt: skip
def test_a_wrong_answer_is_asked_for_again_before_blame(wrong, error):
    kind = replace(REQUEST_KINDS[0], find_mistake=lambda response: "")
    dut, timed_part = ScriptedDut(kind, wrong), part()

    def run():
        for _ in range(5):
            for side in ("a", "b", "c", "d", CONTROL):
                assert timed_part._exchange(dut, side, kind).on_board == 0.5

    if error is None:
        run()
        return
    with pytest.raises(error) as raised:
        run()
    assert type(raised.value) is error


def limits(*names):
    return parse_limits(dict.fromkeys(names, "+10%"))


def test_kinds_are_measured_until_their_metrics_are_decided():
    names = (
        "latency.preflight.on_board",
        "latency.preflight.tail",
        "latency.error.added",
        "heap.preflight.allocated",
    )
    options = SimpleNamespace(limits=limits(*names), batches=None, plan=SequentialPlan())
    undecided = set(names)
    regressed = set()
    timed_part = part(
        options,
        lambda: SimpleNamespace(
            metrics=[
                SimpleNamespace(
                    metric=name,
                    open=name in undecided,
                    outcome=Outcome.REGRESSED if name in regressed else Outcome.INCONCLUSIVE,
                )
                for name in names
            ]
        ),
    )
    until, first = Deadline.after(1e9), options.plan.looks[0]
    assert timed_part._wanted(0, until) == timed_part._wanted(first, until) == {"preflight", "error"}
    undecided -= {"latency.error.added", "latency.preflight.on_board"}
    assert timed_part._wanted(first + 1, until) == {"preflight", "error"}  # not at a look
    assert timed_part._wanted(first + LOOK_EVERY, until) == {"preflight"}
    regressed.add("latency.error.added")
    assert timed_part._wanted(ENOUGH_IF_RED - LOOK_EVERY, until) == {"preflight"}
    assert timed_part._wanted(ENOUGH_IF_RED, until) == set()
    regressed.clear()
    assert timed_part._wanted(ENOUGH_IF_RED, until) == {"preflight"}
    undecided -= {"latency.preflight.tail"}
    assert timed_part._wanted(ENOUGH_IF_RED, until) == set()


def test_time_and_number_of_batches_end_the_measurement():
    options = SimpleNamespace(limits=limits("latency.error.added"), batches=None, plan=SequentialPlan())
    timed_part = part(options)
    assert timed_part._wanted(0, Deadline.after(0)) == {"error"}  # at least one batch
    assert timed_part._wanted(1, Deadline.after(0)) == set()
    assert timed_part._wanted(options.plan.max_batches, Deadline.after(1e9)) == set()
    options.batches = 2
    assert [timed_part._wanted(number, Deadline.after(0)) for number in (1, 2)] == [{"error"}, set()]
