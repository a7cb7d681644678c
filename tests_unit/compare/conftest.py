"""A short suite that measures, and a baseline of it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from camrig.bringup.board import Board
from camrig.compare.ab import AbOptions, AbSession
from camrig.compare.libraries import find_library
from camrig.gate.limits import parse_limits
from camrig.gate.sequential_plan import SequentialPlan
from camrig.settings.resolve import resolve

from benchmarks.application import WIFI
from benchmarks.worse import PLAIN, worse_library
from tests_unit.conftest import ROOT, Ended

PASSWORD = "correct horse battery"
LIMITS = """
[limits]
latency.preflight.relative = "+25%"
heap.preflight.allocated = "+0 B"
heap.leak_slope = "< 1 B/request"
"""

SUITE = """
from statistics import median
from camrig.probe.heap_series import heap_series_until_level
from camrig.probe.preflight import preflight_headers
from camrig.probe.sampling import PREFLIGHT, WITHOUT_CORS, RequestUnderTest, Sampler
PAGE = "https://panel.example"

def test_bytes(dut, measure, preflight):
    dut.policy(allowed_origins=[PAGE])
    for _ in range(12):
        burst = dut.agent.allocations("OPTIONS", "/api/status", preflight_headers(PAGE, "GET"), 4)
        measure("heap.preflight.allocated", burst.bytes, unit="B")
    for _ in range(60):
        preflight(PAGE)
    for points in heap_series_until_level(lambda: preflight(PAGE), dut.heap, 15, 75, 4, 16):
        measure("heap.leak_slope", [y for _, y in points], unit="B/request", at=[x for x, _ in points])

def test_time(dut, measure):
    dut.policy(allowed_origins=[PAGE])
    sampler = Sampler(dut.request, RequestUnderTest(PAGE))
    sampler.warm_up(20)
    for batch in sampler.batches(16, 8):
        bare = median(phases.on_board for phases in batch.phases(WITHOUT_CORS))
        shares = [phases.on_board / bare for phases in batch.phases(PREFLIGHT)]
        measure("latency.preflight.relative", shares, unit="x")
"""


@pytest.fixture(scope="session")
def bench_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the suite, its limits and its baselines."""
    folder = tmp_path_factory.mktemp("gate")
    (folder / "test_costs.py").write_text(SUITE)
    (folder / "camrig.toml").write_text(LIMITS)
    (folder / "pytest.ini").write_text("[pytest]\n")
    return folder


@pytest.fixture
def costs(run: Callable[..., Ended], bench_folder: Path, tmp_path: Path) -> Callable[..., Ended]:
    """Runs the suite with the given options."""

    def call(*options: str) -> Ended:
        common = ("-c", str(bench_folder / "pytest.ini"), "--rootdir", str(bench_folder), "-p", "no:cacheprovider")
        ended = run(
            "pytest",
            str(bench_folder / "test_costs.py"),
            *common,
            "--hil-results",
            str(tmp_path / "results"),
            "--hil-baselines",
            str(bench_folder / "baselines"),
            *options,
            env={"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": PASSWORD},
        )
        assert ended.left_running() == []
        assert "INTERNALERROR" not in ended.out
        return ended

    return call


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, Callable[[], None]], None]:
    """Has a file made by the first process of the test run that needs it, and copied by those that run beside it."""
    folder = tmp_path_factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder

    def call(file: Path, make: Callable[[], None]) -> None:
        if file.exists():
            return
        with (shared / f"{file.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            copy = shared / file.name
            if copy.exists():
                file.parent.mkdir(exist_ok=True)
                shutil.copy(copy, file)
                return
            make()
            shutil.copy(file, copy)

    return call


@pytest.fixture
def baseline(costs: Callable[..., Ended], bench_folder: Path, made_once: Callable[..., None]) -> str:
    """The name of a baseline of the unchanged library; its three sessions are measured once."""

    def make() -> None:
        for number in (1, 2, 3):
            ended = costs("--hil-save", "good")
            assert ended.code == 0
            assert f"baseline good: session {number}, 3 metrics in " in ended.out

    made_once(bench_folder / "baselines" / "good.json", make)
    return "good"


@pytest.fixture
def make_session(faulty, tmp_path):
    """Makes sessions of the library with a fault, as candidate, against the library, on a board with faults."""

    def make(limits, *board_faults, fault=PLAIN, plain=None, **options):
        board = faulty(*board_faults, wifi_ssid=WIFI.ssid, wifi_password=WIFI.password)
        settings = replace(resolve({}, {}, ROOT), wifi=WIFI, lib=ROOT / "lib")
        candidate = find_library(str(worse_library(tmp_path / "copy", fault)), tmp_path)
        baseline_folder = worse_library(tmp_path / "plain", plain) if plain else ROOT / "lib"
        baseline = find_library(str(baseline_folder), tmp_path)
        opened = Board(board.path, settings)
        boards.append(opened)
        ab_options = AbOptions(parse_limits(limits), SequentialPlan(), **options)
        return AbSession(opened.__enter__(), candidate, baseline, ab_options, tmp_path / "ab")

    boards: list[Board] = []
    yield make
    for opened in boards:
        opened.close()
