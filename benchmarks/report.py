"""How long the page of a run takes, how large it is, and when a browser shows it.

    make bench-report

A run of 50,000 samples with a console of 100 MB: the page within 3 s, at most 1 MB beside the console in it, and
the first picture in Chromium within 1 s. Ends with 1 if a figure is beyond its goal.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from camrig.board.console_log import ConsoleLog
from camrig.measure.recorder import Recorder
from camrig.report.html.page import page
from camrig.report.json_report import BoardReport, RunReport, TestRecord, data_of
from camrig.report.packed_text import packed, unpacked
from camrig.report.results_file import checked_results

SAMPLES, METRICS, TESTS = 50_000, 40, 400
CONSOLE_MB, KEPT_MB = 100, 4
SECONDS, BYTES, FIRST_PICTURE = 3.0, 1_000_000, 1.0
PAINT = """<script>new PerformanceObserver((list) => { for (const entry of list.getEntries())
  document.documentElement.dataset[entry.name.replace(/-/g, "")] = String(entry.startTime); })
  .observe({type: "paint", buffered: true});</script></body>"""


def results() -> dict[str, Any]:
    """Results of a long run, from a fixed seed."""
    numbers = random.Random(7)
    recorder = Recorder()
    for metric in range(METRICS):
        for _ in range(10):
            values = [numbers.lognormvariate(0, 0.4) for _ in range(SAMPLES // METRICS // 10)]
            recorder.record(f"latency.kind{metric}.on_board", values, "ms")
    recorder.record(
        "heap.leak_slope", [118_000 + numbers.randrange(64) for _ in range(400)], "B/request", at=range(400)
    )
    cells = [
        {
            "policy": f"policy {row}",
            "request": f"request {column}",
            "checked": 9,
            "failed": 0,
            "ms": 0.7,
            "exchange": "",
        }
        for row in range(25)
        for column in range(12)
    ]
    recorder.note("cors.matrix", cells)
    board = BoardReport(
        **dict.fromkeys(("spec", "machine", "chip", "firmware", "build", "mac", "mpy", "url"), "sim"),
        **dict.fromkeys(("library_source", "application", "application_source"), "cors.py"),
        **dict.fromkeys(("library_source_sha256", "library_sha256", "application_sha256"), "ab" * 32),
        **{"virtual": True, "heap_bytes": 4_000_000, "steps": [], "recovery": [], "crashes": [], "timeline": []},
        **{"metrics": recorder.metrics, "notes": recorder.notes, "radio": None, "sensor": None},
        console=console(),
    )
    tests = [TestRecord(f"tests/test_long.py::test_{n}", "passed", "sim", n * 1.0, 0.5, "") for n in range(TESTS)]
    report = RunReport(
        **{"camrig": "0", "started": "2026-01-02T03:04:05+00:00", "seconds": 3600.0, "exit_code": 0},
        **{"tests": {"passed": TESTS}, "blocked": [], "boards": [board], "correct": "Correct.", "arguments": []},
        **{"repository": None, "host": {}, "selection": {}, "limits": {}, "outcomes": tests},
    )
    return checked_results(data_of(report), "a long run")


def console() -> dict[str, Any]:
    """What a page keeps of a console of 100 MB."""
    log = ConsoleLog()
    numbers = random.Random(3)
    lines = (f"camera: frame {numbers.randrange(10**9)} in {numbers.random():.6f} s\r\n" for _ in range(20_000))
    block = "".join(lines)
    data = block.encode()
    for _ in range(CONSOLE_MB * 1_000_000 // len(data) + 1):
        log.feed(data)
    return packed(log.data.decode(), log.left_out)


def first_picture(text: str) -> float | None:
    """Seconds until Chromium shows something of a page; None where there is no Chromium."""
    browser = shutil.which("chromium")
    if browser is None:
        return None
    with TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(text.replace("</body>", PAINT), encoding="utf-8")
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
        command += [
            f"--user-data-dir={folder}/profile",
            f"--screenshot={folder}/page.png",
            "--dump-dom",
            file.as_uri(),
        ]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    match = re.search(r'data-firstcontentfulpaint="([\d.]+)"', shown)
    return float(match[1]) / 1000 if match else None


def measured(data: Mapping[str, Any]) -> list[tuple[str, float | None, float, str]]:
    """Rows of a name, a figure, its goal and its unit."""
    start = time.perf_counter()
    text = page(data)
    seconds = time.perf_counter() - start
    log = data["boards"][0]["console"]
    return [
        (f"page of {SAMPLES:,} samples", seconds, SECONDS, "s"),
        ("size beside the console", (len(text.encode()) - len(log["text"])) / 1000, BYTES / 1000, "kB"),
        (f"console kept of {CONSOLE_MB} MB", len(unpacked(log).encode()) / (1 << 20), KEPT_MB, "MB"),
        ("compressed console in the page", len(log["text"]) / (1 << 20), KEPT_MB, "MB"),
        ("first picture in Chromium", first_picture(text), FIRST_PICTURE, "s"),
    ]


def main() -> int:
    beyond = False
    for name, figure, goal, unit in measured(results()):
        if figure is None:
            print(f"{name:<34} not measured")
            continue
        beyond = beyond or figure > goal
        print(f"{name:<34} {figure:10.2f} {unit:<3} at most {goal:g}{'  BEYOND' if figure > goal else ''}")
    return int(beyond)


if __name__ == "__main__":
    sys.exit(main())
