"""Sessions of two libraries: what is a right answer, whose fault a crash is, and what a lost exchange costs."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from camrig.bringup.board import Board
from camrig.compare.ab import Session, Terms, decide
from camrig.compare.answers import PAGE, wrong
from camrig.compare.libraries import library
from camrig.compare.metrics import ALLOCATED, LEAK, RETAINED, judged
from camrig.compare.retry import Patience
from camrig.errors import AgentError, BlockedError, BoardCrashedError, ServerSilentError, SettingsError
from camrig.gate.limits import default_limits, parse_limits
from camrig.gate.sequential_plan import SequentialPlan
from camrig.gate.verdict import Outcome
from camrig.probe.client import Phases, Response
from camrig.probe.sampling import ACTUAL, PREFLIGHT, WITHOUT_CORS
from camrig.settings.resolve import resolve

from benchmarks.application import WIFI
from tests_unit.conftest import ROOT

ALLOW = [("Access-Control-Allow-Origin", PAGE.origin), ("Access-Control-Allow-Headers", "content-type, x-frame")]
TIMES = {"latency.preflight.on_board": "+10%"}


def answer(status, headers=ALLOW):
    return Response(status, "", list(headers), b"", Phases(1, 2, 3, 0.5))


@pytest.mark.parametrize(
    ("kind", "found", "says"),
    [
        (PREFLIGHT, answer(204), ""),
        (PREFLIGHT, answer(200), ""),
        (PREFLIGHT, answer(204, ALLOW[:1]), "step 7.7"),
        (PREFLIGHT, answer(405), "status 405"),
        (ACTUAL, answer(200), ""),
        (ACTUAL, answer(405), "status 405"),
        (ACTUAL, answer(200, []), "CORS check"),
        (WITHOUT_CORS, answer(200, []), ""),
        (WITHOUT_CORS, answer(500, []), "status 500"),
    ],
)
def test_a_wrong_answer_is_no_sample(kind, found, says):
    assert says in wrong(kind, found)
    assert bool(says) == bool(wrong(kind, found))


@pytest.mark.parametrize("name", ["latency.preflight.on_bord", "latency.actual.p99", "heap.leak_slop",
                                  "heap.preflight.alocated"])  # fmt: skip
def test_a_misspelt_metric_is_refused(name):
    with pytest.raises(SettingsError, match=name):
        judged(parse_limits({name: "+10%"}), print)


def test_what_the_suite_alone_measures_is_told_of(capsys):
    suites = ("heap.alive", "heap.free", "heap.import.microdot", "heap.leak.alive", "heap.peak.c8", "load.c8.errors",
              "latency.control.echo", "heap.preflight.cors_share", "boot.time")  # fmt: skip
    assert list(judged(parse_limits(dict.fromkeys((*suites, LEAK), "+10%")), print)) == [LEAK]
    assert capsys.readouterr().out.count("not judged here") == len(suites)


def test_the_request_itself_has_a_limit_unless_told_otherwise():
    assert "latency.actual.on_board" in judged(default_limits(paired=True), print)


class Silent:
    """A dut whose exchanges are lost so many times."""

    watch = SimpleNamespace(crash=None)

    def __init__(self, lost, alive=True):
        self.left, self.alive = lost, alive

    def answers(self):
        return self.alive

    def do(self):
        self.left -= 1
        if self.left >= 0:
            raise ServerSilentError("no answer")
        return "done"


def test_a_lost_exchange_is_measured_again_but_not_for_ever():
    patience, dut = Patience(most=2), Silent(2)
    assert patience(dut, dut.do) == "done"
    assert patience.lost == 2
    with pytest.raises(ServerSilentError, match="2 exchanges were lost before"):
        patience(dut, Silent(1).do)


def test_a_server_that_stays_silent_ends_the_session():
    dut = Silent(1, alive=False)
    with pytest.raises(ServerSilentError):
        Patience(seconds=0.0)(dut, dut.do)


@pytest.fixture
def session(faulty, tmp_path):
    """Makes sessions of the library, or a copy with a change, against itself, on a board with faults."""

    def make(limits, *faults, change=("", ""), **terms):
        board = faulty(*faults, wifi_ssid=WIFI.ssid, wifi_password=WIFI.password)
        settings = replace(resolve({}, {}, ROOT), wifi=WIFI, lib=ROOT / "lib")
        source = (ROOT / "lib/microdot/cors.py").read_text().replace(*change)
        (tmp_path / "copy/microdot").mkdir(parents=True)
        (tmp_path / "copy/microdot/cors.py").write_text(source)
        sides = library(str(tmp_path / "copy"), tmp_path), library(str(ROOT / "lib"), tmp_path)
        opened = Board(board.path, settings)
        made.append(opened)
        return Session(
            opened.__enter__(), *sides, Terms(parse_limits(limits), SequentialPlan(), **terms), tmp_path / "ab"
        )

    made: list[Board] = []
    yield make
    for one in made:
        one.close()


def test_a_lost_exchange_costs_a_batch_and_each_load_order_has_its_half(session):
    found = session(TIMES, "enobufs@1@request*250", batches=12)
    found.run()
    assert found._patience.lost == 1
    assert [one["loaded"] for one in found.orders] == [["b", "a"]] * 6 + [["a", "b"]] * 6
    assert all(len(one["turns"]) == 10 * 4 for one in found.orders)
    comparison, _ = decide(found)
    assert len(comparison.candidate.metrics["latency.preflight.on_board"].batches) == 12


@pytest.mark.parametrize(("limits", "seed", "error"), [
    ({ALLOCATED: "+0 B"}, 1, BoardCrashedError), ({ALLOCATED: "+0 B"}, 0, BlockedError), (TIMES, 0, BlockedError),
])  # fmt: skip
def test_only_a_crash_of_the_candidate_is_its_failure(session, limits, seed, error):
    with pytest.raises(error) as raised:
        session(limits, "guru@request*60" if limits is TIMES else "guru@request*8", batches=2, seed=seed).run()
    assert type(raised.value) is error
    assert ("both libraries" in raised.value.what) == (limits is TIMES)


def test_a_copy_that_falls_silent_later_is_named(session):
    late = '        headers = {"Access-Control-Allow-Origin": origin}\n'
    change = (late, f"{late}        self.n = getattr(self, 'n', 0) + 1\n        if self.n > 60: return {{}}\n")
    with pytest.raises(AgentError, match=r"copy answers .* wrongly"):
        session(TIMES, change=change, batches=12).run()


def test_what_is_kept_of_the_request_after_a_preflight_is_a_leak(session):
    first = "        origins = self._origins\n"
    more = f"        request.method == 'GET' and _KEPT.extend(b'sixteen bytes it' * 8)\n{first}"
    found = session({LEAK: "< 1 B/request"}, change=(first, more))
    path = found.libraries["a"].folder / "microdot/cors.py"
    path.write_text(path.read_text().replace("import re\n", "import re\n\n_KEPT = bytearray()\n", 1))
    found.run()
    (verdict,) = decide(found)[1].metrics
    assert verdict.outcome is Outcome.REGRESSED
    assert verdict.effect.value == pytest.approx(64, abs=4)
    method, _, headers, _ = PAGE.sent(ACTUAL)
    assert method == "GET"
    assert dict(headers)["Origin"] == PAGE.origin


def test_what_an_import_keeps_is_measured_of_each_library(session):
    more = ("import re\n", "import re\n\n_TABLE = [None] * 300\n")
    found = session({RETAINED: "+0 B"}, change=more)
    found.run()
    (verdict,) = decide(found)[1].metrics
    assert verdict.outcome is Outcome.REGRESSED
    assert verdict.effect.low > 300 * 4
