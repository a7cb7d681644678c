"""Reading results: of this schema and the one before, and a clear sentence for everything else."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

import pytest
from camrig.errors import EXIT_USAGE, ResultsError
from camrig.report.json_report import EMPTY_OF_TEST, SCHEMA, write
from camrig.report.packed_text import packed, unpacked
from camrig.report.results_file import read_results
from camrig.report.results_schema import fault_of
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests_unit.conftest import ROOT
from tests_unit.report.samples import results, run_report

# What schema 2 had, of a run and of a board.
OLD_RUN = ("camrig", "started", "seconds", "exit_code", "tests", "blocked", "boards")
OLD_BOARD = (
    *("spec", "machine", "firmware", "build", "mac", "mpy", "virtual", "heap_bytes", "url"),
    *(
        "library_source",
        "library_source_sha256",
        "library_sha256",
        "steps",
        "recovery",
        "crashes",
        "notes",
        "metrics",
    ),
)


def of_schema_2() -> dict[str, Any]:
    data = results()
    boards = [{name: board[name] for name in OLD_BOARD} for board in data["boards"]]
    return {"schema": 2, **{name: data[name] for name in OLD_RUN}, "boards": boards}


def test_what_was_written_is_read(tmp_path):
    report = run_report()
    read = read_results(write(report, tmp_path / "results"))
    passed, failed = read["outcomes"]
    assert passed == {
        "test": "test_a",
        "outcome": "passed",
        "board": "",
        "start": 0.0,
        "seconds": 0.1,
        **EMPTY_OF_TEST,
    }
    assert failed["exchange"]["request"]["headers"] == [["Origin", "https://panel.example"]]
    assert {**read, "outcomes": None} == {**results(), "outcomes": None}


def test_results_of_the_schema_before_are_brought_to_this_one(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps(of_schema_2()))
    read = read_results(path)
    schema = json.loads((ROOT / "docs" / "results.schema.json").read_text())
    assert [error.message for error in Draft202012Validator(schema).iter_errors(read)] == []
    assert read["verdict"] == {"outcome": "failed", "sentence": "Failed. Not correct: 1 of 2 tests failed."}
    assert read["boards"][0]["metrics"] == results()["boards"][0]["metrics"]
    assert (read["outcomes"], read["boards"][0]["console"]) == ([], None)


@pytest.mark.parametrize("field", [*OLD_RUN, *(f"boards.{name}" for name in OLD_BOARD)])
@pytest.mark.parametrize("value", [None, [], {}, "x", -1, [None], 1e300], ids=str)
def test_damage_to_either_schema_is_read_or_said(tmp_path, field, value):
    path = tmp_path / "run.json"
    for data in (of_schema_2(), results()):
        target = data["boards"][0] if "." in field else data
        target[field.rpartition(".")[2]] = value
        path.write_text(json.dumps(data))
        if fault_of(data) and data["schema"] == SCHEMA:
            with pytest.raises(ResultsError, match=re.escape(str(path))):
                read_results(path)
        else:
            with suppress(ResultsError):  # and nothing else
                assert fault_of(read_results(path)) == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("{}", "not a file of results"),
        ("[]", "not a file of results"),
        ('{"schema": true, "boards": []}', "not a file of results"),
        ('{"schema": 3, "metrics": {}, "kind": "baseline"}', "not a file of results"),
        ('{"schema": 4, "boards": []}', "has schema 4, and this camrig reads 2 to 3"),
        ('{"schema": 1, "boards": []}', "has schema 1"),
        ('{"schema": 3, "boards": []}', "damaged: the file lacks verdict"),
        ('{"schema": 3, "schema": 3, "boards": []}', "stands twice"),
    ],
    ids=lambda text: text[:50],
)
def test_other_files_are_said_to_be_none_of_results(tmp_path, text, words):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(ResultsError, match=words) as caught:
        read_results(path)
    assert caught.value.hint
    assert caught.value.exit_code == EXIT_USAGE


def test_a_file_that_is_missing_or_a_folder_is_named(tmp_path):
    with pytest.raises(ResultsError, match="there is no file"):
        read_results(tmp_path / "none.json")
    with pytest.raises(ResultsError, match="cannot be read"):
        read_results(tmp_path)


@given(st.text(), st.integers(0, 10))
def test_a_packed_text_is_unpacked_again(text, left_out):
    value = packed(text, left_out)
    data = text.encode("utf-8", "backslashreplace")
    assert unpacked(value) == data.decode()
    assert (value["bytes"], value["left_out"]) == (len(data), left_out)


@pytest.mark.parametrize("text", ["%%%", "AAAA", "", packed("x" * 1000)["text"][:-8]], ids=str)
def test_a_damaged_packed_text_is_an_error(text):
    with pytest.raises(ValueError, match="packed text"):
        unpacked({**packed("x" * 1000), "text": text})
