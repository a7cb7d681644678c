"""What the pages for users and contributors name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
OURS = r"(?:\.ci|benchmarks|device|docs|lib|rig|tests_hil|tests_unit)/[\w./-]*"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_path_of_this_repository_exists(page):
    text = page.read_text(encoding="utf-8")
    paths = {ROOT / path for path in re.findall(rf"`({OURS})`", text)}
    links = {page.parent / path for path in re.findall(r"\]\((?!https?:)([^)#]+)", text)}
    assert [str(path) for path in paths | links if not path.exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_make_target_exists(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    mentioned = re.findall(r"(?:`|^    )make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(mentioned) <= targets
