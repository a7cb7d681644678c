"""What a run leaves behind: a table a person reads, a file a program reads."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from camrig.measure.recorder import Recorder
from camrig.report.json_report import SCHEMA, BoardReport, RunReport, write
from camrig.report.metrics_table import leaks, number, render


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
        library_sha256="ab" * 32,
        steps=[{"name": "connect", "seconds": 0.1, "ok": True}],
        recovery=[],
        crashes=[],
        metrics=recorder.metrics,
    )


def run_report() -> RunReport:
    return RunReport("0.1", "2026-01-02T03:04:05.678+00:00", 1.5, 0, {"passed": 2}, [], [board()])


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (12.0, "12"), (1234567.0, "1,234,567"), (0.123456, "0.12"), (98765.4, "98,765")]
)
def test_figures_have_the_digits_they_deserve(value, text):
    assert number(value) == text


def test_the_table_names_board_and_firmware_and_says_virtual():
    text = render(board(), 100)
    head, *rows = text.splitlines()
    assert "camrig virtual board" in head
    assert "MicroPython 1.26.0" in head
    assert "VIRTUAL" in head
    latency = next(row for row in rows if "latency" in row).split()
    assert latency == ["latency", "ms", "50.50", "95.05", "99.01", "100"]
    heap = next(row for row in rows if "heap" in row).split()
    assert heap == ["heap", "B", "123,456", "–", "–", "1"]


@pytest.mark.parametrize(
    ("points", "says"),
    [
        ([60_000] * 26, "heap.leak_slope: 0 B/request (0 to 0): 1,600 B free, and no number of requests fills them"),
        (
            [60_000 + 320 * n for n in range(26)],
            "heap.leak_slope: 16 B/request (16 to 16): requests until 1,600 B are full: 100 to 100,"
            " 100 by the median",
        ),
        (
            [60_000] * 21 + [61_600] * 5,
            "heap.leak_slope: 0 B/request (0 to 4.21): requests until 1,600 B are full: 380 to never",
        ),
        ([60_000, 60_320], "heap.leak_slope: 16 B/request (unbounded to unbounded): requests until 1,600 B are full: "
                           "0 to never, 100 by the median"),
    ],
)  # fmt: skip
def test_what_a_leak_means_is_told(points, says):
    recorder = Recorder()
    recorder.record("heap.leak_slope", points, "B/request", at=[20 * n for n in range(len(points))])
    assert leaks(recorder.metrics)[0] == says[: says.index("): ") + 1]
    recorder.record("heap.free", 1600, "B")
    assert leaks(recorder.metrics) == [says]
    assert says in render(replace(board(), metrics=recorder.metrics), 9)


def test_hardware_is_not_called_virtual():
    assert "virtual" not in render(board(virtual=False), 100).lower()


def test_the_file_has_a_schema_and_the_raw_values(tmp_path):
    path = write(run_report(), tmp_path / "new" / "folder")
    found = json.loads(path.read_text())
    assert found["schema"] == SCHEMA
    assert found["boards"][0]["virtual"] is True
    latency, heap = found["boards"][0]["metrics"]
    assert (latency["n"], latency["median"], len(latency["values"])) == (100, 50.5, 100)
    assert heap["values"] == [123456.0]


def test_two_runs_in_one_second_keep_both_files(tmp_path):
    assert write(run_report(), tmp_path) != write(run_report(), tmp_path)
