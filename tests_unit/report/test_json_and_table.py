"""The results of a run: the table and the lines on the terminal, and the JSON file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from camrig.measure.recorder import RecordedMetric, Recorder
from camrig.report.json_report import SCHEMA, BoardReport, RunReport, write
from camrig.report.metrics_table import number
from camrig.report.summary import board_summary


def board(virtual: bool = True) -> BoardReport:
    recorder = Recorder()
    recorder.record("latency", [float(n) for n in range(1, 101)], "ms")
    recorder.record("heap", 123456, "B")
    return BoardReport(
        spec="sim",
        machine="camrig virtual board with ESP32" if virtual else "ESP32 module with ESP32",
        firmware="MicroPython 1.26.0",
        build="",
        mac="02:ca:7f:00:00:01",
        mpy="6.3",
        virtual=virtual,
        heap_bytes=4_000_000,
        url="http://127.0.0.1:8080",
        library_source="lib/microdot/cors.py",
        library_source_sha256="cd" * 32,
        library_sha256="ab" * 32,
        steps=[{"name": "connect", "seconds": 0.1, "ok": True}],
        recovery=[],
        crashes=[],
        metrics=recorder.metrics,
    )


def run_report(metrics: list[RecordedMetric] | None = None) -> RunReport:
    boards = [board() if metrics is None else replace(board(), metrics=metrics)]
    return RunReport("0.1", "2026-01-02T03:04:05.678+00:00", 1.5, 0, {"passed": 2}, [], boards)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (12.0, "12"), (1234567.0, "1,234,567"), (0.123456, "0.12"), (98765.4, "98,765")]
)
def test_figures_have_the_digits_that_a_reader_needs(value, text):
    assert number(value) == text


def test_the_summary_names_board_and_firmware_and_says_virtual():
    text = board_summary(board(), "Correct.", 100, verbose=False)
    head, *rows = text.splitlines()
    assert "camrig virtual board" in head
    assert "MicroPython 1.26.0" in head
    assert "VIRTUAL" in head
    latency = next(row for row in rows if "latency" in row).split()
    assert latency == ["latency", "ms", "50.50", "95.05", "99.01", "100"]
    heap = next(row for row in rows if "heap" in row).split()
    assert heap == ["heap", "B", "123,456", "–", "–", "1"]


def test_hardware_is_not_called_virtual():
    assert "virtual" not in board_summary(board(virtual=False), "Correct.", 100, verbose=True).lower()


def metrics_in_file(path: Path) -> dict[str, dict]:
    return {metric["name"]: metric for metric in json.loads(path.read_text())["boards"][0]["metrics"]}


def test_the_file_has_a_schema_and_the_raw_values(tmp_path):
    path = write(run_report(), tmp_path / "new" / "folder")
    data = json.loads(path.read_text())
    assert data["schema"] == SCHEMA
    assert data["boards"][0]["virtual"] is True
    assert data["boards"][0]["spec"] == "sim"
    metrics = metrics_in_file(path)
    latency, heap = metrics["latency"], metrics["heap"]
    assert (latency["n"], latency["median"], latency["p95"], latency["low"]) == (100, 50.5, 95.05, 1.0)
    assert latency["batches"] == [{"values": [float(n) for n in range(1, 101)], "control": [], "at": []}]
    assert heap["batches"] == [{"values": [123456.0], "control": [], "at": []}]
    assert (heap["p95"], heap["p99"]) == (None, None)


def test_the_file_holds_each_sample_once(tmp_path):
    recorder = Recorder()
    for batch in range(2):
        control = [batch + 0.25, batch + 0.5]
        for name in ("latency.preflight", "latency.actual"):
            recorder.record(name, [batch + len(name), batch + 0.125 + len(name)], "ms", control)
        recorder.record("latency.control", control, "ms")
        recorder.record("load", [batch + 100.0], "ms", [batch + 200.0])
    path = write(run_report(recorder.metrics), tmp_path)
    metrics = metrics_in_file(path)
    assert "values" not in metrics["load"]
    assert [batch["control"] for batch in metrics["load"]["batches"]] == [[200.0], [201.0]]
    for name in ("latency.preflight", "latency.actual"):
        assert [batch["control"] for batch in metrics[name]["batches"]] == ["latency.control"] * 2
    assert [batch["values"] for batch in metrics["latency.control"]["batches"]] == [[0.25, 0.5], [1.25, 1.5]]


def test_a_slope_has_no_percentiles_and_null_for_no_bound(tmp_path):
    recorder = Recorder()
    recorder.record("heap.leak_slope", [60_000, 60_320], "B/request", at=[0, 20])
    path = write(run_report(recorder.metrics), tmp_path)
    assert "Infinity" not in path.read_text()
    leak = metrics_in_file(path)["heap.leak_slope"]
    assert (leak["n"], leak["median"], leak["p95"], leak["low"], leak["high"]) == (2, 16.0, None, None, None)
    assert leak["batches"] == [{"values": [60_000.0, 60_320.0], "control": [], "at": [0.0, 20.0]}]


def test_two_runs_in_one_second_keep_both_files(tmp_path):
    assert write(run_report(), tmp_path) != write(run_report(), tmp_path)
