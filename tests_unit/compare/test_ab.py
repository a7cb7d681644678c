"""Sessions of two libraries: right answers, attribution of crashes, lost exchanges, leaks and imports."""

from __future__ import annotations

import pytest
from camrig.compare.metrics import ALLOCATED, LEAK, RETAINED, allocated, measured_limits
from camrig.errors import (
    EXIT_FAILED,
    BlockedError,
    BoardCrashedError,
    CamrigError,
    SettingsError,
    WrongAnswerError,
)
from camrig.gate.limits import default_limits, parse_limits
from camrig.gate.verdict import Outcome
from camrig.probe.client import Phases, Response
from camrig.probe.request_kinds import PAGE, REQUEST_KINDS
from camrig.prove.faulty_copy import Change

from benchmarks.worse import ALLOCATES_64, PLAIN, on_kind

ALLOW = [("Access-Control-Allow-Origin", PAGE.origin), ("Access-Control-Allow-Headers", "content-type, x-frame")]
LEAKS = {LEAK: "< 1 B/request"}
TIMES = {"latency.preflight.on_board": "+10%"}


def answer(status, headers=ALLOW):
    return Response(status, "", list(headers), b"", Phases(1, 2, 3, 0.5))


REFUSAL = [("Content-Type", "text/plain")]


@pytest.mark.parametrize(
    ("kind", "response", "reason"),
    [
        ("preflight", answer(204), ""),
        ("preflight", answer(200), ""),
        ("preflight", answer(204, ALLOW[:1]), "step 7.7"),
        ("preflight", answer(405), "status 405"),
        ("preflight_plain", answer(204, ALLOW[:1]), ""),
        ("preflight_plain", answer(204, []), "CORS check"),
        ("actual", answer(200), ""),
        ("actual", answer(405), "status 405"),
        ("actual", answer(200, []), "CORS check"),
        ("actual_no_origin", answer(200, REFUSAL), ""),
        ("actual_no_origin", answer(200), "without Origin"),
        ("error", answer(404), ""),
        ("error", answer(404, []), "CORS check"),
        ("error", answer(200), "status 200"),
        ("picture", answer(200, []), "CORS check"),
        ("stream", answer(200, []), "CORS check"),
        ("preflight_refused", answer(204, REFUSAL), ""),
        ("preflight_refused", answer(204), "not allowed"),
        ("actual_refused", answer(200, REFUSAL), ""),
        ("actual_refused", answer(200), "not allowed"),
    ],
)
def test_a_wrong_answer_is_rejected_with_its_reason(kind, response, reason):
    mistake = next(each for each in REQUEST_KINDS if each.name == kind).mistake_in(response)
    assert reason in mistake
    assert bool(reason) == bool(mistake)


@pytest.mark.parametrize("name", ["latency.preflight.on_bord", "latency.actual.p99", "heap.leak_slop",
                                  "heap.preflight.alocated"])  # fmt: skip
def test_a_misspelt_metric_is_refused(name):
    with pytest.raises(SettingsError, match=name):
        measured_limits(parse_limits({name: "+10%"}), print)


def test_limits_that_only_the_suite_measures_are_reported(capsys):
    suites = ("heap.alive", "heap.free", "heap.import.microdot", "heap.leak.alive", "heap.peak.c8", "load.c8.errors",
              "latency.control.echo", "heap.preflight.cors_share", "boot.time",
              "heap.preflight_short.allocated", "latency.preflight_short.total")  # fmt: skip
    limits = parse_limits(dict.fromkeys((*suites, LEAK), "+10%"))
    assert list(measured_limits(limits, print)) == [LEAK]
    assert capsys.readouterr().out.count("not judged here") == len(suites)


def test_the_request_after_a_preflight_has_a_usual_limit():
    assert "latency.actual.on_board" in measured_limits(default_limits(paired=True), print)


def test_a_lost_exchange_is_repeated_and_load_orders_alternate(make_session):
    session = make_session(TIMES, "enobufs@1@request*250", batches=12)
    session.run()
    assert "lost exchanges: " in session.losses
    assert session.losses.count("1 of ") == 1
    assert [order["loaded"] for order in session.timed.orders] == [["b", "a"]] * 6 + [["a", "b"]] * 6
    assert all(len(order["turns"]) == 10 * 4 + 2 for order in session.timed.orders)
    assert len(session.comparison().candidate.metrics["latency.preflight.on_board"].batches) == 12


@pytest.mark.parametrize(("limits", "seed", "error"), [
    ({ALLOCATED: "+0 B"}, 1, BoardCrashedError), ({ALLOCATED: "+0 B"}, 0, BlockedError), (TIMES, 0, BlockedError),
])  # fmt: skip
def test_only_a_crash_of_the_candidate_is_its_failure(make_session, limits, seed, error):
    board_fault = "guru@request*90" if limits is TIMES else "guru@request*8"
    with pytest.raises(error) as raised:
        make_session(limits, board_fault, batches=2, seed=seed).run()
    assert type(raised.value) is error
    assert ("both libraries" in raised.value.what) == (limits is TIMES)


CLOSES = "raise OSError(104)"
EVERY_50TH = "_COUNT[0] += 1\nif _COUNT[0] % 50 == 0: raise OSError(104)"


@pytest.mark.parametrize(
    ("limits", "fault", "words"),
    [
        (LEAKS, Change("", f"if request.method == 'OPTIONS': {CLOSES}"), r"copy: OPTIONS .* was lost \d times"),
        (TIMES, Change("_LEFT = [60]", f"_LEFT[0] -= 1\nif _LEFT[0] < 0: {CLOSES}"), r"copy: OPTIONS .* lost"),
        (TIMES, Change("", "if 'X-Rig-Timing' in request.headers: raise ValueError('no')"), r"copy: .* raised"),
        (
            LEAKS,
            Change("_COUNT = [0]", EVERY_50TH),
            r"copy (loses answers: \d+ of|answers .* wrongly)",
        ),
        (TIMES, Change("_COUNT = [0]", EVERY_50TH), r"copy loses answers: \d+ of .* against 0 of"),
    ],
)
def test_a_candidate_that_loses_answers_has_failed(make_session, limits, fault, words):
    with pytest.raises(CamrigError, match=words) as raised:
        make_session(limits, fault=fault, batches=12).run()
    assert raised.value.exit_code == EXIT_FAILED


@pytest.mark.parametrize(("limits", "left"), [(LEAKS, 0), (TIMES, 60)])
def test_a_baseline_that_loses_answers_blocks(make_session, limits, left):
    plain = Change(f"_LEFT = [{left}]", f"_LEFT[0] -= 1\nif _LEFT[0] < 0: {CLOSES}")
    with pytest.raises(BlockedError, match="/plain: "):
        make_session(limits, plain=plain, batches=12).run()


def test_a_copy_that_stops_granting_later_is_named(make_session):
    fault = Change("_LEFT = [60]", "_LEFT[0] -= 1\nif _LEFT[0] < 0: return response")
    with pytest.raises(WrongAnswerError, match=r"copy answers .* wrongly"):
        make_session(TIMES, fault=fault, batches=12).run()


@pytest.mark.parametrize("kind", ["preflight_refused", "error"])
def test_bytes_allocated_for_one_kind_of_request_only_are_found(make_session, kind):
    limits = {allocated(name): "+0 B" for name in ("preflight", "actual", kind)}
    session = make_session(limits, fault=on_kind(ALLOCATES_64, kind), plain=on_kind(PLAIN, kind))
    session.run()
    outcomes = {metric.metric: metric.outcome for metric in session.comparison().decide().metrics}
    assert outcomes == {name: Outcome.REGRESSED if name == allocated(kind) else Outcome.PASS for name in limits}


def test_a_leak_in_the_request_after_a_preflight_is_found(make_session):
    leak = "request.method == 'GET' and _KEPT.extend(b'sixteen bytes it' * 8)"
    session = make_session({LEAK: "< 1 B/request"}, fault=Change("_KEPT = bytearray()", leak))
    session.run()
    (verdict,) = session.comparison().decide().metrics
    assert verdict.outcome is Outcome.REGRESSED
    assert verdict.effect.value == pytest.approx(128 * 6 / 10, abs=4)  # six kinds of ten are GET
    method, _, headers, _ = PAGE.message("actual")
    assert method == "GET"
    assert dict(headers)["Origin"] == PAGE.origin


def test_what_an_import_retains_is_measured_for_each_library(make_session):
    session = make_session({RETAINED: "+0 B"}, fault=Change("_TABLE = [None] * 300"))
    session.run()
    (verdict,) = session.comparison().decide().metrics
    assert verdict.outcome is Outcome.REGRESSED
    assert verdict.effect.low > 300 * 4
