"""A release in which nothing speaks against it, to be varied."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from camrig.gate.comparison import Comparison
from camrig.gate.limits import parse_limits
from camrig.gate.provenance import FIRMWARE
from camrig.gate.sequential_plan import one_look
from camrig.release.decision import Material
from camrig.release.record import NOT_REHEARSED, ClockCourse, Firmware, ReleaseRecord, Source, StageRecord
from camrig.report.json_report import RunReport, TestRecord, data_of
from camrig.report.results_file import checked_results

from tests_unit.gate.test_evidence import LIMITS, quiet_baseline, quiet_run
from tests_unit.gate.test_json_files import PROVENANCE
from tests_unit.report.samples import board_report

IMAGE = "0f" * 32
CHECKS = ("tests/test_a.py::test_a", "tests/test_a.py::test_b")
SOURCE = Source("cd" * 20, dirty=False)


@cache
def comparison() -> Comparison:
    return Comparison(quiet_run(), quiet_baseline(), parse_limits(LIMITS), one_look(), compared=FIRMWARE)


@cache
def verdict() -> Any:
    return comparison().decide()


def record(**fields: Any) -> ReleaseRecord:
    values: dict[str, Any] = {
        "rehearsal": False,
        "board": "/dev/ttyUSB0",
        "baseline": "v1",
        "started": "2026-01-02T03:04:05+00:00",
        "firmware": Firmware("firmware.bin", IMAGE, IMAGE),
        "stages": tuple(StageRecord(name, 0, 1.0) for name in ("flash", "deploy", "suite", "soak")),
        "clock": ClockCourse(100.0, 0.01, 2.1),
        "sources": {"library": SOURCE, "application": SOURCE, "rig": Source(None, None)},
        "tools": {"python": "3.11", "camrig": "0.1.0"},
        "soak_seconds": 7200.0,
        "signed": True,
    }
    return ReleaseRecord(**{**values, **fields})


def results(checks: tuple[str, ...], rehearsal: bool = False, **fields: Any) -> dict[str, Any]:
    board = board_report(
        "/dev/ttyUSB0",
        mac=PROVENANCE.mac,
        library_sha256=PROVENANCE.library_sha256,
        virtual=rehearsal,
    )
    selection = {"scoped": False, "collected": len(CHECKS), "deselected": 0, "not_run": 0, "stopped": ""}
    values: dict[str, Any] = {
        **{"camrig": "0.1.0", "started": "2026-01-02T03:04:05.678+00:00", "seconds": 1.5, "exit_code": 0},
        **{"tests": {"passed": len(checks)}, "blocked": [], "boards": [board], "correct": "Correct: all passed."},
        **{"selection": selection, "gate": {"baseline": "v1", "verdict": None}, "rehearsal": rehearsal},
        "outcomes": [TestRecord(name, "passed", "/dev/ttyUSB0", 0.0, 0.1, "") for name in checks],
    }
    return checked_results(data_of(RunReport(**{**values, **fields})), "results")


def suite(rehearsal: bool = False, **fields: Any) -> dict[str, Any]:
    return results((*CHECKS, *(f"gate::{metric}" for metric in LIMITS)), rehearsal, **fields)


def soak(rehearsal: bool = False, **fields: Any) -> dict[str, Any]:
    return results(("soak::memory", "soak::times"), rehearsal, gate=None, **fields)


def material(**fields: Any) -> Material:
    values: dict[str, Any] = {
        "record": record(),
        "suite": suite(),
        "soak": soak(),
        "comparison": comparison(),
        "verdict": verdict(),
        "files": {"/main.py": "ab" * 32},
    }
    return Material(**{**values, **fields})


def rehearsal() -> Material:
    stages = (StageRecord("flash", 0, 0.0, NOT_REHEARSED),)
    stages += tuple(StageRecord(name, 0, 1.0) for name in ("deploy", "suite", "soak"))
    virtual = {"virtual": True, "mac": PROVENANCE.mac}
    compared = replace(
        comparison(),
        candidate=replace(comparison().candidate, provenance=replace(PROVENANCE, **virtual)),
        baseline=replace(comparison().baseline, provenance=replace(PROVENANCE, **virtual)),
    )
    return material(
        record=record(rehearsal=True, stages=stages, board="sim", firmware=Firmware("", "")),
        suite=suite(rehearsal=True),
        soak=soak(rehearsal=True),
        comparison=compared,
    )
