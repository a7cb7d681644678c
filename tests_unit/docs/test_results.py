"""The page on results names the fields that a run writes, and no field besides."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from camrig.report.json_report import SCHEMA, BoardReport, RunReport

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")

SCHEMA_NAMES = set(re.findall(r'"(\w+)":', (ROOT / "docs" / "results.schema.json").read_text(encoding="utf-8")))

SUITE = """
def test_measures(dut, http, measure, note):
    http.get("/api/status")
    measure("boot.time", [1.0, 2.0], unit="s", control=[1.0, 1.5])
    measure("heap.rise", [1.0, 2.0], unit="B", at=[0, 100])
    note("order", ["a", "b"])
"""


def section(title: str) -> set[str]:
    """The fields in the table below a heading."""
    rows = re.search(rf"## {title}\n\n((?:\|.*\n)+)", PAGE)
    assert rows is not None
    return {name for row in rows[1].splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def names(data: Any) -> Iterator[str]:
    """The keys of all objects in ``data``."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from names(value)
    elif isinstance(data, list):
        for entry in data:
            yield from names(entry)


def test_fields_of_a_run_and_of_a_board_are_those_of_the_classes():
    schema = json.loads((ROOT / "docs" / "results.schema.json").read_text(encoding="utf-8"))
    assert section("The run") == {"schema", "verdict", *(field.name for field in dataclasses.fields(RunReport))}
    assert section("A board") == {"answers", *(field.name for field in dataclasses.fields(BoardReport))}
    assert section("A test") == schema["$defs"]["test"]["properties"].keys()
    assert f"`schema` is {SCHEMA}." in PAGE


def test_a_run_writes_the_fields_that_the_page_names(run, tmp_path):
    (tmp_path / "test_suite.py").write_text(SUITE)
    results = tmp_path / "results"
    ended = run("pytest", str(tmp_path), "-p", "no:cacheprovider", "--hil-results", str(results))
    assert ended.code == 0, ended.out
    report = json.loads(next(results.glob("run-*.json")).read_text())
    board = report["boards"][0]
    assert report.keys() == section("The run")
    assert board.keys() == section("A board")
    assert board["metrics"][0].keys() == section("A metric")
    named = set(re.findall(r"`(?:notes\.)?(\w+)`", PAGE)) | SCHEMA_NAMES
    assert set(names(report)) - named == {"order"}  # the test's own note
