"""The page on browsers lists the known deviations from the standard as the rig has them."""

from __future__ import annotations

import re
from pathlib import Path

from camrig.probe.browser_deviations import CHROMIUM

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "browser.md"


def test_known_deviations_are_those_of_the_data():
    text = PAGE.read_text(encoding="utf-8").partition("## Where Chromium leaves the standard")[2]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in re.findall(r"^\|.*\|$", text, re.MULTILINE)]
    assert rows[2:] == [[entry.name, entry.section, entry.standard, entry.browser] for entry in CHROMIUM]
