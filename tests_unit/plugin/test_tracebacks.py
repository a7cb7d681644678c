"""An interrupt at an instruction without a line ends a run as any other does."""

from __future__ import annotations

import traceback
from types import FunctionType

import pytest
from camrig.plugin.tracebacks import drop_entries_without_line


def lineless(function: FunctionType) -> FunctionType:
    """A copy of ``function`` none of whose instructions has a line."""
    return FunctionType(function.__code__.replace(co_linetable=b""), function.__globals__, "lineless")


def interrupted() -> None:
    raise KeyboardInterrupt


def raises() -> None:
    raise ValueError("of a signal's handler")


def lines(error: BaseException) -> list[object]:
    return [line for _, line in traceback.walk_tb(error.__traceback__)]


def test_entries_without_a_line_go():
    def through() -> None:
        lineless(interrupted)()

    with pytest.raises(KeyboardInterrupt) as caught:
        lineless(through)()
    assert len(lines(caught.value)) == 3
    drop_entries_without_line(caught.value)
    assert len(lines(caught.value)) == 1


def test_entries_with_a_line_stay():
    with pytest.raises(KeyboardInterrupt) as caught:
        interrupted()
    before = lines(caught.value)
    drop_entries_without_line(caught.value)
    assert lines(caught.value) == before
    assert len(before) == 2


def test_entries_go_from_the_context_of_an_error_too():
    def clears_up() -> None:
        try:
            lineless(interrupted)()
        finally:
            raises()

    with pytest.raises(ValueError) as caught:
        clears_up()
    assert len(lines(caught.value.__context__)) == 2
    drop_entries_without_line(caught.value)
    assert len(lines(caught.value.__context__)) == 1


def test_no_error_or_a_circular_cause_is_left_alone():
    drop_entries_without_line(None)
    error = ValueError()
    error.__cause__ = error
    drop_entries_without_line(error)


SUITE = """
from tests_unit.plugin.test_tracebacks import interrupted, lineless, raises

def test_ends(): lineless({})()
"""


def test_a_run_interrupted_at_such_an_instruction_ends_cleanly(run, tmp_path):
    (tmp_path / "test_ends.py").write_text(SUITE.format("interrupted"))
    ended = run("pytest", str(tmp_path), "-p", "no:cacheprovider")
    assert ended.code == 2, ended.out
    assert "KeyboardInterrupt" in ended.out
    assert "Traceback" not in ended.out


def test_a_failure_at_such_an_instruction_is_shown(run, tmp_path):
    (tmp_path / "test_ends.py").write_text(SUITE.format("raises"))
    ended = run("pytest", str(tmp_path), "-p", "no:cacheprovider", "--device", "sim")
    assert ended.code == 1, ended.out
    assert "ValueError: of a signal's handler" in ended.out
    assert "INTERNALERROR" not in ended.out
