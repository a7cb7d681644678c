"""Files of results for tests of the history, as a run writes them."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

from camrig.measure.recorder import Recorder
from camrig.report.json_report import BoardReport, RunReport, write

from tests_unit.report.test_json_and_table import board as virtual_board

START = datetime.datetime(2026, 1, 1, 23, 0, tzinfo=datetime.timezone.utc)


def board(mac: str = "24:6f:28:aa:10:c4", metrics: dict[str, float] | None = None, **fields: object) -> BoardReport:
    recorder = Recorder()
    for name, value in ({"latency": 1.5, "heap": 2048} if metrics is None else metrics).items():
        for batch in range(3):
            recorder.record(name, [value - batch, value, value + batch], "B" if name.startswith("heap") else "ms")
    known = replace(virtual_board(virtual=False), spec="/dev/ttyUSB0", mac=mac, metrics=recorder.metrics)
    return replace(known, **fields)


def run(night: int = 0, *boards: BoardReport, exit_code: int = 0, **fields: object) -> RunReport:
    started = (START + datetime.timedelta(days=night)).isoformat()
    report = RunReport("0.1", started, 60.5, exit_code, {"passed": 2, "failed": int(exit_code == 1)}, [], [*boards])
    return replace(report, **fields)


def written(folder: Path, *runs: RunReport) -> list[Path]:
    """The files of these runs."""
    return [write(report, folder) for report in runs]
