"""What a library keeps of each kind of request is found, and caches that fill are not, on a board of figures."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import ClassVar

import pytest
from camrig.board.pace import Pace
from camrig.compare import leaks
from camrig.compare.alone import measure_alone
from camrig.compare.answers import AnswerCheck
from camrig.compare.boot import Boot
from camrig.compare.metrics import COUNTED, FIRST_RETAINED, LEAK, LEAKS, LOAD_LEAK, MEASURED, allocated, leak_slope
from camrig.errors import AgentError, ServerSilentError, WrongAnswerError
from camrig.gate.judgement import judge
from camrig.gate.limits import default_limits
from camrig.gate.samples import recorded_samples
from camrig.gate.sequential_plan import SequentialPlan
from camrig.gate.verdict import Outcome
from camrig.measure.losses import ExchangeCounts
from camrig.measure.recorder import Recorder
from camrig.probe.agent import ECHO, Heap, MemoryCount
from camrig.probe.client import Phases, Response
from camrig.probe.load import LoadResult
from camrig.probe.request_kinds import PAGE, REQUEST_KINDS, UNSEEN
from camrig.steps import Steps

SAID = re.compile(r"^leaks take about (\d+) (s|min) in each of 4 boots on this board$")
LIMITS = {name: limit for name, limit in default_limits(paired=True).items() if name.startswith("heap.")}
ALLOW = [("Access-Control-Allow-Origin", PAGE.origin), ("Access-Control-Allow-Headers", "content-type, x-frame")]
REFUSED = ("preflight_refused", "actual_refused", "actual_no_origin", UNSEEN)


def kind_of(message):
    known = {(method, target, tuple(headers)): kind.name for kind in REQUEST_KINDS for method, target, headers, _ in
             [kind.message]}  # fmt: skip
    return known.get((message[0], message[1], tuple(message[2])), UNSEEN)


class ImaginaryBoard:
    """Answers every request; ``library(kind, number)`` says how many bytes the library keeps of a request.

    ``answer(kind, number)`` replaces the status of an answer, if it is not None.
    """

    errors: ClassVar[dict] = {}  # of requests by several clients

    def __init__(self, library=lambda kind, number: 0, answer=lambda kind, number: None, absent=()):
        self.library, self.answer, self.absent = library, answer, absent
        self.alive, self.served, self.sent = 100_000, 0, []
        self.session = SimpleNamespace(name="board", pace=Pace())
        self.address = ("board", 80)
        self.agent = self
        self.exchanges = ExchangeCounts()
        self.deployment = SimpleNamespace(imports={"microdot.cors": 4000}, import_allocations={"microdot.cors": 5000})
        self.spec, self.lines = "board", []
        self.steps = Steps(lambda line: self.lines.append(str(line)))

    def heap(self):
        return Heap(1_000_000 - self.alive, self.alive, None, 1)

    def request(self, method, target, headers=(), body=b""):
        if target == ECHO:
            return Response(200, "", [], b"", Phases(1, 2, 3))
        return self.serve((method, target, headers, body))

    def serve(self, message):
        kind = kind_of(message)
        self.served += 1
        self.sent.append(kind)
        self.alive += self.library(kind, self.served)
        right = next((each.statuses[-1] for each in REQUEST_KINDS if each.name == kind), 204)
        status = 404 if kind in self.absent else self.answer(kind, self.served) or right
        return Response(status, "", [] if kind in REFUSED else ALLOW, b"", Phases(1, 2, 3))

    def count(self, messages, n, of="allocated", times=1, together=False, cold=False, bare=False, seconds=0.0):
        if bare:
            statuses = [404 if kind_of(message) in self.absent else 200 for message in messages]
            return MemoryCount(
                (0,) * n, 0, tuple(Response(status, "", [], b"", Phases(1, 2, 3)) for status in statuses)
            )
        alive = [self.alive]
        for _ in range(n):
            statuses = {(str(message), self.serve(message).status) for message in messages for _ in range(times)}
            if len(statuses) > len({message for message, _ in statuses}):
                raise AgentError("ValueError: the same request was answered with 200, then with 500")
            alive.append(self.alive)
        kept = self.alive - alive[0]
        responses = [self.serve(message) for message in messages]
        return MemoryCount(tuple(alive) if of == "alive" else (1000,) * n, kept, tuple(responses))

    def run(self, source):
        assert "hasattr(agent, name)" in source


@pytest.fixture
def measured(monkeypatch):
    """Measures an imaginary board in two boots, and judges the metrics that were recorded."""

    def run(make=ImaginaryBoard, limits=LIMITS, boots=2):
        recorder, missing = Recorder(), {}
        for number in range(boots):
            board = make()
            answers = AnswerCheck(board, lambda words, reason: WrongAnswerError(f"{words} wrongly ({reason})"))

            def load(address, requests, concurrency, each, check, board=board):
                wrong = []
                for request in [requests[i % len(requests)] for i in range(concurrency * each)]:
                    response = board.serve(message_of(request))
                    wrong += filter(None, [check(request, response)])
                return LoadResult(concurrency, (1.0,) * (concurrency * each), board.errors, 0, tuple(wrong))

            monkeypatch.setattr(leaks, "run_load", load)
            missing |= measure_alone(Boot(board, board, "library", recorder, limits, answers, 0 if number else 4))
            run.board = board
        samples = recorded_samples(recorder.metrics)
        judged = {name: limit for name, limit in limits.items() if name in samples}
        verdict = judge(samples, samples, judged, plan=SequentialPlan(), paired=True, final=True)
        run.missing = missing
        return {metric.metric: metric.outcome for metric in verdict.metrics}

    return run


def message_of(request):
    head = request.decode().split("\r\n\r\n")[0].split("\r\n")
    method, target, _ = head[0].split()
    headers = [tuple(line.split(": ", 1)) for line in head[1:]]
    return method, target, [(name, value) for name, value in headers if name != "Host"], b""


def test_every_metric_of_bytes_and_leaks_is_recorded_and_passes(measured):
    outcomes = measured()
    assert set(outcomes) == {name for name in MEASURED if name.startswith("heap.")}
    assert set(outcomes.values()) == {Outcome.PASS}
    assert measured.missing == {}


@pytest.mark.parametrize("size", [8, 16])
@pytest.mark.parametrize("kind", COUNTED)
def test_a_leak_in_one_kind_of_request_regresses_its_slope(measured, kind, size):
    outcomes = measured(lambda: ImaginaryBoard(lambda served, number: size * (served == kind)))
    assert outcomes[leak_slope(kind)] is Outcome.REGRESSED
    others = {outcomes[leak_slope(name)] for name in COUNTED if name != kind}
    assert others == {Outcome.PASS}


class GrowingList:
    """A list that takes ``entry`` bytes a request, in steps that double; a ``limit`` makes a cache of it."""

    def __init__(self, entry=8, limit=None, kinds=COUNTED, every=1):
        self.entry, self.limit, self.kinds, self.every = entry, limit, kinds, every
        self.length = self.taken = 0

    def __call__(self, kind, number):
        if kind not in self.kinds or number % self.every or self.length == self.limit:
            return 0
        self.length += 1
        before, self.taken = self.taken, max(self.taken, 1 << (self.length - 1).bit_length())
        return self.entry * (self.taken - before)


@pytest.mark.parametrize("kinds", [COUNTED, *((kind,) for kind in COUNTED)])
def test_a_list_that_grows_in_steps_is_found(measured, kinds):
    outcomes = measured(lambda: ImaginaryBoard(GrowingList(kinds=kinds)))
    assert outcomes[leak_slope(kinds[0])] is Outcome.REGRESSED


@pytest.mark.parametrize("kinds", [COUNTED, ("preflight",), (UNSEEN,)], ids=["every kind", "preflight", "unseen"])
@pytest.mark.parametrize("entries", [8, 64, 200, 300])
def test_a_cache_that_fills_and_stops_is_not_a_leak(measured, entries, kinds):
    def make():
        left = [entries]

        def library(kind, number):
            left[0] -= kind in kinds
            return 64 if kind in kinds and left[0] >= 0 else 0

        return ImaginaryBoard(library)

    outcomes = measured(make)
    assert {outcomes[name] for name in LEAKS} == {Outcome.PASS}


def test_what_every_seventh_request_leaves_is_found(measured):
    outcomes = measured(lambda: ImaginaryBoard(lambda kind, number: 16 * (number % 7 == 0)))
    assert {outcomes[name] for name in LEAKS} == {Outcome.REGRESSED}


def test_what_the_first_request_leaves_is_counted_not_a_leak(measured):
    recorded = []
    outcomes = measured(lambda: ImaginaryBoard(lambda kind, number: recorded.append(number) or 64 * (number == 1)))
    assert {outcomes[name] for name in LEAKS} == {Outcome.PASS}
    assert FIRST_RETAINED in outcomes


def test_bytes_are_counted_after_the_search_for_leaks(measured):
    measured(boots=1)
    last = len(measured.board.sent) - measured.board.sent[::-1].index(UNSEEN)
    assert len(measured.board.sent) > 10 * 32 * leaks.EACH
    assert [line.split()[0] for line in measured.board.lines if line] == ["leaks", "leaks", "count"]
    assert last > 0


@pytest.mark.parametrize("kind", ["picture", "stream"])
def test_a_kind_without_a_route_is_left_out(measured, kind):
    outcomes = measured(lambda: ImaginaryBoard(absent=(kind,)))
    assert set(measured.missing) == {allocated(kind), leak_slope(kind)}
    assert "the application has no route for" in measured.missing[allocated(kind)]
    assert not set(measured.missing) & set(outcomes)
    assert measured.board.sent.count(kind) == 1


@pytest.mark.parametrize("kind", COUNTED)
def test_an_answer_that_becomes_wrong_is_the_librarys(measured, kind):
    words = next((each.words for each in REQUEST_KINDS if each.name == kind), "a preflight of a page")
    with pytest.raises(WrongAnswerError, match=words):
        measured(
            lambda: ImaginaryBoard(answer=lambda served, number: 500 if served == kind and number > 900 else None)
        )


def test_a_wrong_answer_that_cannot_be_repeated_blames_nobody(measured):
    outcomes = measured(lambda: ImaginaryBoard(answer=lambda kind, number: 500 if number in (300, 2500) else None))
    assert set(outcomes.values()) == {Outcome.PASS}


def test_answers_that_are_wrong_now_and_then_are_the_librarys(measured):
    with pytest.raises(WrongAnswerError, match="not each time, but 4 times"):
        measured(lambda: ImaginaryBoard(answer=lambda kind, number: 500 if number % 401 == 0 else None))


def test_a_wrong_control_blames_the_board(measured):
    class Failing(ImaginaryBoard):
        def request(self, method, target, headers=(), body=b""):
            response = super().request(method, target, headers, body)
            return response._replace(status=503) if target == ECHO else response

    with pytest.raises(AgentError, match="a control"):
        measured(lambda: Failing(answer=lambda kind, number: 500))


def test_clients_at_once_that_get_no_answers_end_the_session(measured):
    class Deaf(ImaginaryBoard):
        errors: ClassVar[dict] = {"refused": 20}

        def answers(self):
            return False

        crash_monitor = SimpleNamespace(crash=None)

    with pytest.raises(ServerSilentError, match="20 of 24 requests of 4 clients at once"):
        measured(Deaf, limits={LOAD_LEAK: LIMITS[LOAD_LEAK]})


def test_a_slow_board_is_sent_fewer_requests(measured, monkeypatch):
    ticks = iter(range(10**9))
    monkeypatch.setattr(leaks.time, "monotonic", lambda: next(ticks))
    outcomes = measured(limits={leak_slope("actual"): LIMITS[LEAK]}, boots=1)
    assert outcomes == {leak_slope("actual"): Outcome.PASS}
    assert measured.board.sent.count("actual") < 33 * leaks.EACH / 2


def test_no_series_is_extended_on_a_board_that_took_long(measured, monkeypatch):
    monkeypatch.setattr(leaks, "SECONDS_TO_EXTEND", 0.0)
    measured(lambda: ImaginaryBoard(lambda kind, number: 16), limits={leak_slope("error"): LIMITS[LEAK]}, boots=1)
    assert measured.board.sent.count("error") <= 36 * leaks.EACH  # with those before the series


@pytest.mark.parametrize("collection", [0.01, 0.5, 3.0])
@pytest.mark.parametrize("exchange", [0.01, 0.3])
def test_the_first_boot_says_beforehand_how_long_the_leak_phases_take(measured, monkeypatch, collection, exchange):
    clock = [0.0]
    monkeypatch.setattr(leaks.time, "monotonic", lambda: clock[0])

    class SlowBoard(ImaginaryBoard):
        def heap(self):
            clock[0] += collection + exchange
            return super().heap()

        def request(self, *message, **options):
            clock[0] += exchange
            return super().request(*message, **options)

        def count(self, messages, n, *arguments, **options):
            clock[0] += (n + 2) * collection + exchange
            return super().count(messages, n, *arguments, **options)

    measured(SlowBoard, boots=1)
    (number, unit), (step,) = (
        next(match.groups() for line in measured.board.lines if (match := SAID.search(line))),
        [step for step in measured.board.steps.done if step.name == "leaks"],
    )
    announced = float(number) * (60 if unit == "min" else 1)
    assert step.seconds / 2 - 1 <= announced <= 2 * step.seconds + 1


def test_later_boots_do_not_say_it_again(measured):
    measured(boots=2)
    assert not any(SAID.search(line) for line in measured.board.lines)
