"""The Wi-Fi password and the token are in nothing that a run says or keeps, in whatever form a board prints them."""

from __future__ import annotations

import os
import zipfile

import pytest

from tests_unit.test_redaction import FORMS

PASSWORD = 'p@ss "w\\rd" ü\U0001f600%20'
SUITE = """
import os, subprocess
import pytest


@pytest.fixture(autouse=True)
def kept(record_property, dut):
    record_property("password", {password!r})


@pytest.mark.parametrize("form", range({number}))
def test_fails_with_the_password(dut, note, form):
    text = {forms!r}[form]
    note(f"text.{{form}}", {{"text": text, "list": [text]}})
    print("captured", text)
    dut.agent.run("print('board:', " + repr(text) + ")")
    assert text == "", f"not empty: {{text}}"


@pytest.mark.skip(reason={password!r})
def test_is_skipped_for_the_password(dut):
    pass


@pytest.mark.xfail(reason={password!r})
def test_is_expected_to_fail_for_the_password(dut, record_property):
    record_property("list", [{password!r}])
    assert [{password!r} * 2] * 200 == dut


def test_fails_with_the_token(dut):
    token = dut.agent._token
    dut.agent.run("print(agent.token)")
    raise ValueError(token)
"""


@pytest.mark.parametrize("locals_shown", [(), ("--showlocals", "-s")], ids=["usual", "locals and output shown"])
def test_no_form_of_the_password_is_anywhere(run, tmp_path, locals_shown):
    forms = [form(PASSWORD) for form in FORMS.values()]
    (tmp_path / "test_suite.py").write_text(SUITE.format(password=PASSWORD, number=len(forms), forms=forms))
    xml, evidence, results = (tmp_path / name for name in ("report.xml", "run.zip", "results"))
    ended = run(
        "pytest", str(tmp_path / "test_suite.py"), "-p", "no:cacheprovider", "--hil-results", str(results),
        "--junitxml", str(xml), "--hil-evidence", str(evidence), *locals_shown,
        env={"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": PASSWORD, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert ended.code == 1, ended.out
    (result,) = results.glob("run-*.json")
    with zipfile.ZipFile(evidence) as archive:
        kept = {name: archive.read(name).decode() for name in archive.namelist()}
    texts = {"terminal": ended.out, "JUnit": xml.read_text(), "results": result.read_text(), **kept}
    if locals_shown:
        del texts["terminal"]  # -s hands what a test prints to the terminal as it is
    for place, text in texts.items():
        for name, form in zip(FORMS, forms, strict=True):
            assert form not in text, f"{name} in {place}"
    assert os.stat(evidence).st_mode & 0o077 == 0
    assert "***" in texts["JUnit"]
