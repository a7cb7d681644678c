"""Results for other programs: each format is read back by a reader of its own."""

from __future__ import annotations

import csv
import html
import io
import json
import os
import re
from xml.etree import ElementTree

import pytest
from camrig.cli.main import main
from camrig.cli.report import WRITERS
from camrig.redaction import visible
from camrig.report.csv_export import COLUMNS, as_csv
from camrig.report.export_text import one_line
from camrig.report.json_report import write
from camrig.report.junit import rig_as_errors, suite_properties
from camrig.report.openmetrics import as_openmetrics
from camrig.report.results_file import checked_results
from camrig.report.step_summary import MOST, append_summary, as_markdown
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests_unit.report.samples import TEXTS, board_report, results, run_report

SUITE = '<testsuite name="pytest" failures="0" errors="0" tests="1"><testcase name="a"/></testsuite>'
JUNIT = f"<testsuites>{SUITE}</testsuites>"


def read(text="sim", **fields):
    return checked_results(results(text, **fields), "results")


@given(TEXTS)
def test_csv_has_a_row_for_each_value(text):
    rows = list(csv.DictReader(io.StringIO(as_csv(read(text)))))
    assert [(row["batch"], row["number"], row["at"], row["value"]) for row in rows] == [
        *(("0", str(number), "", value) for number, value in enumerate(("1.5", "2.5", "3.25"))),
        *(
            ("0", str(number), at, value)
            for number, (at, value) in enumerate((("0.0", "60000.0"), ("20.0", "60320.0")))
        ),
    ]
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["metric"] == f"latency.{one_line(text)}"
    assert {row["board"].removeprefix("'") for row in rows} == {one_line(text).removeprefix("'")}
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_csv_of_a_run_without_metrics_is_its_head():
    assert as_csv(read(boards=[])).strip() == ",".join(COLUMNS)


@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_openmetrics_is_accepted_by_the_official_parser(texts):
    data = read(texts[0], boards=[board_report(text) for text in texts])
    families = {family.name: family for family in text_string_to_metric_families(as_openmetrics(data))}
    medians = [
        (sample.labels["board"], sample.labels["metric"], sample.value)
        for sample in families["camrig_metric"].samples
        if sample.labels["statistic"] == "median"
    ]
    boards = dict.fromkeys(map(one_line, texts))
    assert sorted(medians) == sorted(
        row for board in boards for row in ((board, f"latency.{board}", 2.5), (board, "heap.leak_slope", 16.0))
    )
    outcomes = {
        sample.labels["camrig_run_outcome"]: sample.value for sample in families["camrig_run_outcome"].samples
    }
    assert [name for name, value in outcomes.items() if value] == ["failed"]
    assert families["camrig_tests"].samples[0].value == 1


def test_openmetrics_has_each_series_once():
    data = read("one")
    (board,) = data["boards"]
    board["metrics"] = [{**board["metrics"][0], "name": name} for name in ("a\nb", "a\\nb", "a\nb", "c")]
    data["boards"] = [board, {**board, "machine": "another"}, {**board, "spec": "two"}]
    data["tests"] = {"a\tb": 1, "a\\tb": 2}
    families = {family.name: family for family in text_string_to_metric_families(as_openmetrics(data))}
    medians = [
        (sample.labels["board"], sample.labels["metric"])
        for sample in families["camrig_metric"].samples
        if sample.labels["statistic"] == "median"
    ]
    assert medians == [(spec, name) for spec in ("one", "two") for name in ("a\\nb", "c")]


@pytest.mark.parametrize("started", ["", "x", "9999-99-99", "0001-01-01T00:00:00"])
def test_openmetrics_leaves_out_a_start_that_is_not_a_time(started):
    text = as_openmetrics(read(started=started))
    assert list(text_string_to_metric_families(text))


@given(TEXTS)
def test_junit_has_the_run_as_properties_of_its_suite(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("junit") / "junit.xml"
    path.write_text(JUNIT)
    rig_as_errors(str(path), suite_properties(read(text)))
    suite = ElementTree.parse(path).getroot().find("testsuite")
    properties = [(entry.get("name"), entry.get("value")) for entry in suite.find("properties")]
    assert ("verdict", "failed") in properties
    assert (f"{one_line(text)}: heap.leak_slope [B/{one_line(text)}]", "16.0") in properties
    assert suite[-1].tag == "testcase"


def test_junit_keeps_the_properties_that_tests_recorded(tmp_path):
    path = tmp_path / "junit.xml"
    own = '<properties><property name="own" value="1"/></properties><testcase'
    path.write_text(JUNIT.replace("<testcase", own))
    rig_as_errors(str(path), [("verdict", "passed")])
    (parent,) = ElementTree.parse(path).getroot().iter("properties")
    assert [entry.get("name") for entry in parent] == ["own", "verdict"]


def plain_text(markdown: str) -> str:
    """What a reader sees: without the escapes of Markdown and HTML."""
    return html.unescape(re.sub(r"\\([^\w\s]|_)", r"\1", markdown))


@given(TEXTS.filter(lambda text: text.strip() == text and text))
def test_the_summary_shows_any_text_as_text(text):
    markdown = as_markdown(read(text))
    markdown.encode()
    assert visible(markdown) == markdown
    outside = re.sub(r"<pre>.*?</pre>", "", markdown, flags=re.DOTALL)
    tags = set(re.findall(r"<[^>]*>", outside))
    assert tags <= {"<details>", "</details>", "<summary>", "</summary>"}
    for line in outside.splitlines():
        if line.startswith("| ") and "metric | unit" not in line:
            assert len(re.findall(r"(?<!\\)\|", line.replace("\\\\", ""))) == 7
    assert one_line(text).rstrip(". ") in plain_text(outside.split("\n")[2]) or "\\" in one_line(text)
    for block in re.findall(r"<pre>(.*?)</pre>", markdown, flags=re.DOTALL):
        assert "\n\n" not in block
        assert "<" not in block


@given(st.integers(0, 4000))
def test_the_summary_keeps_within_its_room(room):
    data = read("ä" * 300)
    text = as_markdown(data, room)
    assert len(text.encode()) <= room
    whole = as_markdown(data)
    assert text == whole or text == "" or text.endswith("see the results._\n")


def test_the_summary_is_appended_until_the_file_is_full(tmp_path):
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    append_summary(read(), str(path))
    assert path.read_text() == "before\n" + as_markdown(read())
    path.write_bytes(b"x" * (MOST - 3))
    append_summary(read(), str(path))
    assert path.stat().st_size == MOST - 3


def test_a_summary_that_cannot_be_written_is_left_out(tmp_path):
    pipe = tmp_path / "pipe"
    places = [str(tmp_path), str(tmp_path / "none" / "x.md"), "\0", "x" * 5000]
    if hasattr(os, "mkfifo"):
        os.mkfifo(pipe)
        places.append(str(pipe))
    for place in places:
        append_summary(read(), place)


@pytest.mark.parametrize("suffix", WRITERS)
def test_the_suffix_names_the_format(tmp_path, capsys, suffix):
    path = write(run_report(), tmp_path / "results")
    target = tmp_path / f"out{suffix.upper()}"
    assert main(["report", str(path), "-o", str(target)]) == 0
    assert capsys.readouterr().out.strip() == str(target)
    assert target.stat().st_size > 100
    assert main(["report", str(tmp_path / "results"), "-o", str(target)]) == 0


def test_without_a_name_the_file_is_beside_the_results(tmp_path, capsys):
    path = write(run_report(), tmp_path / "results")
    assert main(["report", str(path)]) == 0
    assert path.with_suffix(next(iter(WRITERS))).exists()


def test_what_cannot_be_written_or_read_is_one_sentence(tmp_path, capsys):
    path = write(run_report(), tmp_path / "results")
    before = path.read_bytes()
    (tmp_path / "empty").mkdir()
    for words, reason in (
        ([str(path), "-o", str(tmp_path / "out.pdf")], "has no known suffix"),
        ([str(path), "-o", str(path)], "has no known suffix"),
        ([str(path), "-o", str(path / "x.csv")], "cannot be written"),
        ([str(tmp_path / "empty")], "has no results"),
        ([str(tmp_path / "none.json")], "there is no file"),
    ):
        assert main(["report", *words]) == 4
        assert reason in capsys.readouterr().err
    assert path.read_bytes() == before


def test_results_are_never_replaced_by_their_export(tmp_path, capsys):
    path = tmp_path / "run.html"
    path.write_text(json.dumps(results()))
    assert main(["report", str(path)]) == 4
    assert "results itself" in capsys.readouterr().err
    assert json.loads(path.read_text()) == json.loads(json.dumps(results()))
