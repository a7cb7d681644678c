"""Every raw value of a run as CSV, a row for each, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from camrig.report.export_text import one_line

COLUMNS = (
    "started",
    "commit",
    "board",
    "mac",
    "firmware",
    "virtual",
    "library_sha256",
    "metric",
    "unit",
    "batch",
    "number",
    "at",
    "value",
)
_FORMULA = ("=", "+", "-", "@")  # with which a cell begins that a spreadsheet computes


def as_csv(results: Mapping[str, Any]) -> str:
    """The values of ``results``, which ``read_results`` read. ``at`` is the x of a slope's point, else empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    commit = (results["repository"] or {}).get("commit", "")
    for board in results["boards"]:
        fixed = [*map(_cell, (results["started"], commit, board["spec"], board["mac"], board["firmware"]))]
        fixed += [str(board["virtual"]).lower(), board["library_sha256"]]
        for metric in board["metrics"]:
            metric_cells = [_cell(metric["name"]), _cell(metric["unit"])]
            for batch_number, batch in enumerate(metric["batches"]):
                points = batch["at"] or [""] * len(batch["values"])
                for number, (at, value) in enumerate(zip(points, batch["values"], strict=False)):
                    writer.writerow([*fixed, *metric_cells, batch_number, number, at, value])
    return text.getvalue()


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    text = one_line(text)
    return f"'{text}" if text.startswith(_FORMULA) else text
