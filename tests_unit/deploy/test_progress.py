"""The bar of a deploy: shown on a terminal only."""

from __future__ import annotations

import io

from camrig.deploy.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_bytes_and_rate():
    stream = Terminal()
    with progress_bar(stream) as update:
        update(0, 30_000)
        update(10_000, 30_000)
        update(30_000, 30_000)
    assert "30.0/30.0 kB" in stream.getvalue()
    assert "B/s" in stream.getvalue()


def test_a_stream_that_is_not_a_terminal_shows_nothing():
    stream = io.StringIO()
    with progress_bar(stream) as update:
        update(1, 2)
    assert stream.getvalue() == ""


def test_a_bar_without_an_update_shows_nothing():
    stream = Terminal()
    with progress_bar(stream):
        pass
    assert "deploy" not in stream.getvalue()
