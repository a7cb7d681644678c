"""The bar of a deploy: there on a terminal, nothing at all elsewhere."""

from __future__ import annotations

import io

from camrig.deploy.progress import bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_bytes_and_rate():
    stream = Terminal()
    with bar(stream) as told:
        told(0, 30_000)
        told(10_000, 30_000)
        told(30_000, 30_000)
    assert "30.0/30.0 kB" in stream.getvalue()
    assert "B/s" in stream.getvalue()


def test_nobody_else_does():
    stream = io.StringIO()
    with bar(stream) as told:
        told(1, 2)
    assert stream.getvalue() == ""


def test_a_bar_that_was_never_told_anything():
    stream = Terminal()
    with bar(stream):
        pass
    assert "deploy" not in stream.getvalue()
