"""The page of a release: what stands above the run, and how it looks in a browser."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from camrig.release.decision import decide
from camrig.release.page import write_page
from camrig.release.record import StageRecord
from camrig.release.statement import statement

from tests_unit.release.good_release import material, record, rehearsal

RELEASED = material()
REFUSED = replace(RELEASED, record=record(clock=replace(record().clock, apart=99.0)))
BLOCKED = material(
    record=record(stages=(StageRecord("flash", 6, 1.0, "<b>no port</b>"),)),
    **dict.fromkeys(("suite", "soak", "comparison", "verdict", "files")),
)


def page_of(folder, changed, digest="ab" * 32):
    decision = decide(changed)
    path = folder / f"{decision.outcome}.html"
    write_page(path, changed, decision, statement(changed, decision), digest)
    return path


@pytest.mark.parametrize(("changed", "title"), [
    (RELEASED, "Released"), (REFUSED, "Blocked"), (BLOCKED, "Blocked"), (rehearsal(), "Rehearsal: not a release"),
])  # fmt: skip
def test_the_page_says_what_was_decided_and_about_what(tmp_path, changed, title):
    text = page_of(tmp_path, changed).read_text()
    assert re.search(rf"<title>{title}: camrig release", text)
    assert f"</span>{title}</h1>" in text
    assert "What it does not prove" in text
    assert "ab" * 32 in text  # the evidence
    for reason in decide(changed).reasons:
        assert reason.partition("<")[0] in text
    assert "<b>no port</b>" not in text
    if changed.suite is not None:
        assert "cd" * 20 in text  # the commit
        assert changed.suite["boards"][0]["application_sha256"] in text
    assert ("nothing on this page says that a firmware may be shipped" in text) == changed.record.rehearsal


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_a_window_and_asks_nobody(open_page, tmp_path, width):
    opened = open_page(page_of(tmp_path, RELEASED), tmp_path, width, dark=width == 390)
    assert opened.errors == []
    assert opened.requests == []
    assert 'data-overflow="0"' in opened.document
