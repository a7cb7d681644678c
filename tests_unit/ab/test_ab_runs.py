"""Whole comparisons of two libraries on the virtual board."""

from __future__ import annotations

import re
import zipfile
from types import SimpleNamespace

import pytest

    assert ended.out.startswith(f"settings and limits of {tmp_path / 'camrig.toml'}\n")
    assert "[VIRTUAL BOARD: no figure of hardware]" in ended.out
    paired, stored = ended.out.split("two libraries in one session")[1].split(
        "one run against another, of 16 batches"
    )
    for table in (paired, stored):
        assert re.search(r"heap\.preflight\.allocated\s+B\s+24\s+0\s+0\s", table)
        assert re.search(r"heap\.import\.microdot\.cors\s+B\s+4\s", table)
        assert re.search(r"latency\.preflight\.relative\s+x\s+24\s", table)
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == [
        "calibration.ab.json",
        "calibration.runs.json",
    ]


def test_the_reach_of_stored_runs_is_that_of_the_suites_batches():
    source = (ROOT / "tests_hil/test_what_a_preflight_costs.py").read_text()
    assert f"\nBATCHES = {SUITE_BATCHES} " in source
