"""The suite's figures of every kind of request against a stored baseline, judged by the default limits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from camrig.gate.limits import default_limits
from camrig.probe.request_kinds import PAGE, REQUEST_KINDS
from camrig.prove.faulty_copy import Change

from benchmarks.worse import worse_library
from tests_unit.compare.conftest import PASSWORD
from tests_unit.conftest import ROOT, Ended

pytestmark = pytest.mark.timeout(600)  # a baseline takes three runs of the suite
KINDS = [kind.name for kind in REQUEST_KINDS]
REQUIRED = [kind.name for kind in REQUEST_KINDS if not kind.optional]
LIMITS = default_limits(paired=False)
OF_STREAM = "camera.stream.relative"  # only where the suite measured a camera

# Names the kind of a request, on the board. Both sides of a comparison have it, so that it costs nothing.
KIND_OF = f"""
_TURNS = range(1500)
_KEPT = []

def _kind(request, response):
    content_type = str(response.headers.get("Content-Type"))
    origin = request.headers.get("Origin")
    names = request.headers.get("Access-Control-Request-Headers")
    if request.method == "OPTIONS":
        if origin != "{PAGE.origin}":
            return "preflight_refused"
        return "preflight" if names else "preflight_plain"
    if response.status_code == 404:
        return "error"
    if "jpeg" in content_type:
        return "picture"
    if "multipart" in content_type:
        return "stream"
    if not origin:
        return "actual_no_origin"
    return "actual" if origin == "{PAGE.origin}" else "actual_refused"
"""
COSTS = """
kind = _kind(request, response)
if kind in {allocating}:
    bytearray(32)
if kind in {slow}:
    for _ in _TURNS:
        pass
if kind in {leaking}:
    _KEPT.append(0)
    _KEPT.append(0)
"""


def library_of(
    folder: Path, allocating: Iterable[str] = (), slow: Iterable[str] = (), leaking: Iterable[str] = ()
) -> str:
    """A library whose answers to those kinds of requests cost more: 64 B, a loop, 16 B that stay."""
    costs = COSTS.format(allocating=tuple(allocating), slow=tuple(slow), leaking=tuple(leaking))
    return str(worse_library(folder, Change(KIND_OF, costs)))


@pytest.fixture(scope="module")
def baselines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kinds")


@pytest.fixture
def suite(run: Callable[..., Ended], baselines: Path, tmp_path: Path) -> Callable[..., Ended]:
    """Runs tests of the suite's costs, by keyword, on a library."""

    def call(library: str, keyword: str, *options: str) -> Ended:
        files = [str(ROOT / "tests_hil" / name) for name in ("test_heap_comes_back.py", "test_preflight_costs.py")]
        folders = ("--hil-results", str(tmp_path / "results"), "--hil-baselines", str(baselines))
        return run(
            "pytest",
            *files,
            "-k",
            keyword,
            "-p",
            "no:cacheprovider",
            "--hil-lib",
            library,
            *folders,
            *options,
            env={"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": PASSWORD},
            seconds=180,
        )

    return call


COSTS_OF_KINDS = "each_kind or each_import"


@pytest.fixture
def baseline(suite: Callable[..., Ended], baselines: Path, made_once: Callable[..., None]) -> str:
    """The name of a baseline of the library without further costs; its three sessions are measured once."""

    def make() -> None:
        library = library_of(baselines / "lib")
        for _ in range(3):
            ended = suite(library, COSTS_OF_KINDS, "--hil-save", "kinds")
            assert ended.code == 0, ended.out
        assert "without samples of heap.leak_slope, heap.load.leak_slope, which the default limits name" in ended.out

    made_once(baselines / "kinds.json", make)
    return "kinds"


def answers(out: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z_.]+): (pass|regressed|inconclusive|blocked): ", out, re.MULTILINE))


@pytest.mark.parametrize(
    ("allocating", "slow"),
    [(KINDS[0::2], KINDS[1::2]), (KINDS[1::2], KINDS[0::2])],
    ids=["half of the kinds", "the other half"],
)
def test_a_cost_of_one_kind_regresses_that_kind_alone(suite, baseline, tmp_path, allocating, slow):
    library = library_of(tmp_path / "lib", allocating, slow)
    ended = suite(library, COSTS_OF_KINDS, "--hil-compare", baseline, "--hil-verbose")
    verdicts = answers(ended.out)
    assert verdicts.keys() == LIMITS.keys() - {OF_STREAM}
    for kind in KINDS:
        assert verdicts[f"heap.{kind}.allocated"] == ("regressed" if kind in allocating else "pass")
        assert verdicts[f"latency.{kind}.added"] in (
            ("regressed", "inconclusive") if kind in slow else ("pass", "inconclusive")
        )
    assert verdicts["heap.leak_slope"] == verdicts["heap.load.leak_slope"] == "blocked"
    assert ended.code == 1


def test_a_leak_of_one_kind_fails_the_suite(suite, tmp_path):
    ended = suite(library_of(tmp_path / "lib", leaking=["stream"]), "many_requests")
    assert ended.code == 1
    assert re.search(r"Failed: [\d.]+ B stay alive after a round of one request of each kind", ended.out)


@pytest.fixture
def collected(suite, baseline, baselines):
    """The metrics that a comparison would judge, or its error, with a baseline whose sessions were ``changed``."""

    def call(change: Callable[[dict[str, Any]], None]) -> tuple[list[str], Ended]:
        data = json.loads((baselines / "kinds.json").read_text())
        for session in data["sessions"]:
            change(session["metrics"])
        (baselines / "changed.json").write_text(json.dumps(data))
        ended = suite(str(ROOT / "lib"), COSTS_OF_KINDS, "--hil-compare", "changed", "--collect-only", "-q")
        return re.findall(r"^gate::(.*)", ended.out, re.MULTILINE), ended

    return call


def test_no_limit_on_what_the_baseline_has_no_exact_figures_of(collected):
    def change(metrics):
        metrics["heap.picture.allocated"]["batches"][0]["values"][0] += 32  # pictures differ in size
        del metrics["heap.stream.allocated"], metrics["latency.stream.added"]

    names, ended = collected(change)
    assert ended.code == 0, ended.out
    assert names == [name for name in LIMITS if name != "heap.picture.allocated" and ".stream." not in name]


def test_a_baseline_from_before_is_to_be_saved_again(collected):
    def remove(metrics):
        for kind in REQUIRED:
            del metrics[f"latency.{kind}.added"]

    names, ended = collected(remove)
    assert (ended.code, names) == (4, [])
    assert (
        "latency.preflight.added, latency.actual.added, latency.preflight_refused.added and 4 others have limits,"
        " but the baseline changed holds no samples of them."
        " Save the baseline again with this release's suite, or list the limits of your own"
    ) in ended.out


def test_every_kind_has_default_limits_on_bytes_and_time():
    names = {f"heap.{kind}.allocated" for kind in KINDS} | {f"latency.{kind}.added" for kind in KINDS}
    leaks = {"heap.leak_slope", "heap.load.leak_slope", "heap.import.microdot.cors"}
    assert LIMITS.keys() == names | leaks | {OF_STREAM}
    assert {str(LIMITS[f"heap.{kind}.allocated"]) for kind in KINDS} == {"+0 B"}
