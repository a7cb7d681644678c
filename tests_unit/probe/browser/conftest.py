"""One real browser for the tests of a module, and programs that only look like one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from camrig.deadline import Deadline
from camrig.probe.browser.browser import Browser
from camrig.probe.browser.page import Page

from tests_unit import chromium

SECONDS = 60.0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(chromium.browser()) as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.page("about:blank", Deadline.after(SECONDS))
    yield page
    page.close()


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Path]:
    """An executable file with a Python program in it."""

    def write(text: str) -> Path:
        path = tmp_path / "program"
        path.write_text(f"#!{sys.executable} -IS\n{text}", encoding="utf-8")
        path.chmod(0o755)
        return path

    return write
