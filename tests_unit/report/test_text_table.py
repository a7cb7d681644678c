"""Tables line up on a terminal, whatever letters they hold."""

from __future__ import annotations

import pytest
from camrig.report.text_table import text_table

ROWS = [("latency.preflight.total", "ms", "4.36"), ("heap", "B", "1,024")]
TABLE = """
 metric                    unit   median
 ───────────────────────────────────────
 latency.preflight.total   ms       4.36
 heap                      B       1,024"""


def test_texts_begin_on_the_left_and_figures_end_on_the_right():
    assert text_table(("metric", "unit", "median"), ROWS, ("metric", "unit")) == TABLE


def test_a_table_without_rows_has_its_head():
    assert text_table(("a", "bc"), [], ()) == "\n a   bc\n ──────"


@pytest.mark.parametrize(("wide", "columns"), [("漢字", 4), ("µs", 2), ("e\u0301", 1), ("–", 1)])
def test_letters_take_the_columns_that_a_terminal_gives_them(wide, columns):
    lines = text_table(("x", "y"), [(wide, "1")], ("x",)).splitlines()
    assert lines[2] == f" {'─' * (columns + 4)}"
    assert lines[3] == f" {wide}   1"
