"""The header of a run: a title, and a line for each thing in force, with the first digits of its hash."""

from __future__ import annotations

from camrig.report.header import HeaderRow, header_text
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1)
ROWS = st.lists(st.builds(HeaderRow, TEXT, TEXT, st.sampled_from(["", "0123456789abcdef"])))


def test_the_columns_are_aligned():
    rows = [
        HeaderRow("library", "lib/microdot/cors.py", "11111111aaaa"),
        HeaderRow("app", "device", "22222222bbbb"),
        HeaderRow("device", "sim, /dev/serial/by-id/usb-a-very-long-name"),
    ]
    assert header_text("title", rows) == (
        "title\n"
        "  library  lib/microdot/cors.py  11111111\n"
        "  app      device                22222222\n"
        "  device   sim, /dev/serial/by-id/usb-a-very-long-name"
    )


@given(ROWS)
def test_every_row_is_one_line_with_all_that_it_says(rows):
    title, *lines = header_text("title", rows).split("\n")
    assert title == "title"
    assert len(lines) == len(rows)
    for row, line in zip(rows, lines, strict=True):
        assert row.label in line
        assert row.text in line
        assert line.endswith(row.sha256[:8])
