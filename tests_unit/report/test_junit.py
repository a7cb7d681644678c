"""Blocked tests in JUnit XML are errors of the rig, never failures."""

from __future__ import annotations

from xml.etree import ElementTree

from camrig.report.junit import rig_as_errors

XML = """<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests">
<testsuite name="pytest" errors="1" failures="2" skipped="0" tests="3">
<testcase name="a"><failure message="blocked: sim: no">blocked: sim: no.
more</failure></testcase>
<testcase name="b"><failure message="assert 0">def test(): assert 0</failure></testcase>
<testcase name="c"><error message="failed on setup with &quot;blocked: gone&quot;">blocked: gone</error></testcase>
</testsuite></testsuites>"""


def test_blocked_tests_are_errors(tmp_path):
    path = tmp_path / "junit.xml"
    path.write_text(XML)
    rig_as_errors(str(path))
    suite = ElementTree.parse(path).getroot().find("testsuite")
    assert (suite.get("failures"), suite.get("errors"), suite.get("tests")) == ("1", "2", "3")
    a, b, c = suite.findall("testcase")
    assert a.find("error").get("message") == "blocked: sim: no."
    assert a.find("error").text.endswith("more")
    assert b.find("failure").get("message") == "assert 0"
    assert c.find("error").get("message") == "blocked: gone"


def test_a_file_without_blocked_tests_is_left_as_it_is(tmp_path):
    path = tmp_path / "junit.xml"
    path.write_text(XML.replace("blocked: ", ""))
    before = path.read_bytes()
    rig_as_errors(str(path))
    assert path.read_bytes() == before


def test_a_file_that_is_missing_or_not_xml_is_left_alone(tmp_path):
    rig_as_errors(str(tmp_path / "none.xml"))
    path = tmp_path / "junit.xml"
    path.write_text("not XML")
    rig_as_errors(str(path))
    assert path.read_text() == "not XML"
