"""CAMRIG_BROWSER, by path or name, else the first browser on PATH; otherwise one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from camrig.errors import EXIT_BLOCKED, BrowserMissingError
from camrig.probe.browser import executable
from camrig.probe.browser.executable import NAMES, find_browser


@pytest.fixture(autouse=True)
def no_applications(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executable, "_APPLICATIONS", ())


def program(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_each_known_name_on_path_is_a_browser(tmp_path, name):
    path = program(tmp_path, name)
    assert find_browser({"PATH": str(tmp_path)}) == path


def test_first_known_name_comes_first_and_an_empty_variable_is_none(tmp_path):
    for name in reversed(NAMES):
        program(tmp_path, name)
    assert find_browser({"PATH": str(tmp_path), "CAMRIG_BROWSER": " "}).name == NAMES[0]


def test_variable_comes_before_path(tmp_path):
    program(tmp_path, "chromium")
    mine = program(tmp_path, "mine")
    assert find_browser({"PATH": str(tmp_path), "CAMRIG_BROWSER": str(mine)}) == mine
    assert find_browser({"PATH": str(tmp_path), "CAMRIG_BROWSER": "mine"}) == mine


def test_variable_knows_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    mine = program(tmp_path, "mine")
    assert find_browser({"PATH": "", "CAMRIG_BROWSER": "~/mine"}) == mine


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("{}", "which is a folder"),
        ("{}/text", "which this user may not execute"),
        ("{}/missing", "which does not exist"),
        ("missing", "which is not on PATH"),
    ],
)
def test_variable_that_names_no_program_is_one_sentence(tmp_path, name, fault):
    (tmp_path / "text").write_text("")
    program(tmp_path, "chromium")
    name = name.format(tmp_path)
    with pytest.raises(BrowserMissingError) as caught:
        find_browser({"PATH": str(tmp_path), "CAMRIG_BROWSER": name})
    assert str(caught.value).startswith(f"CAMRIG_BROWSER is {name!r}, {fault}. Install Chromium, or set ")
    assert caught.value.exit_code == EXIT_BLOCKED


def test_computer_without_a_browser_is_one_sentence(tmp_path):
    with pytest.raises(BrowserMissingError, match=r"^there is no Chromium on this computer\. Install "):
        find_browser({"PATH": str(tmp_path)})
