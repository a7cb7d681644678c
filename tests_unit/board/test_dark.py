"""Whether a board was without power is known from the board: it started since, and by power, not by its line."""

from __future__ import annotations

import time

import pytest
from camrig.board.dark import DARK, KEPT_RUNNING, KEPT_SENTENCE, UNCLEAR, judge, prove_dark
from camrig.board.recovery import USB_POWER, Ladder, rungs
from camrig.board.session import Session
from camrig.errors import BoardSilentError
from hypothesis import given
from hypothesis import strategies as st

SECONDS = st.floats(0, 1e6)


@given(st.integers(0, 9), SECONDS, SECONDS, SECONDS, st.booleans())
def test_a_board_that_ran_on_was_never_dark(cause, up, since_off, since_open, lines):
    proof = judge(cause, 1, up, since_off, since_open, lines)
    assert (proof.outcome == KEPT_RUNNING) == (up > since_off)
    if proof.outcome == DARK:
        assert cause == 1
        assert not lines or up >= since_open - 0.25


def test_a_real_power_cycle_is_one():
    # Off for 2 s; the chip starts with the power, its bridge is found a second later.
    assert judge(1, 1, up=1.4, since_off=4.0, since_open=0.9, lines=True).outcome == DARK


def test_a_reset_by_the_line_as_the_port_opens_proves_nothing():
    assert judge(1, 1, up=0.5, since_off=4.0, since_open=0.9, lines=True).outcome == UNCLEAR
    assert judge(1, 1, up=0.5, since_off=4.0, since_open=0.9, lines=False).outcome == DARK


@pytest.mark.parametrize("cause", [2, 3, 4, 5])
def test_another_cause_of_the_restart_proves_nothing(cause):
    proof = judge(cause, 1, up=1.0, since_off=4.0, since_open=0.5, lines=False)
    assert proof.outcome == UNCLEAR
    assert f"reset cause {cause}" in proof.sentence


class Board:
    """A session that gives one answer."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.transport = self.serial = self.port = self

    def ask(self, code: str, seconds: float) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("answer", [None, 7, [], [1, 1, 1], ["a", 1, 1, 0], {}, BoardSilentError("nothing answers")])
def test_an_answer_that_cannot_be_understood_proves_nothing(answer):
    assert prove_dark(Board(answer), 0.0, 0.0).outcome == UNCLEAR


def test_a_board_that_remembers_was_never_dark():
    now = time.monotonic()
    assert prove_dark(Board([1, 1, 1_000_000, 1]), now - 9, now - 5).outcome == KEPT_RUNNING
    assert prove_dark(Board([1, 1, 1_000_000, 0]), now - 9, now - 5).outcome == DARK


def climb_to_power(board) -> str:
    session = Session(board.path, 115200)
    try:
        session.repl()
        session.leave_raw_repl()  # else Ctrl-C is not answered by a board that kept running
        ladder = Ladder(session, rungs(session, pulse=lambda: False, power=board.power_cycle))
        return str(ladder.climb(USB_POWER))
    finally:
        session.close()


def test_the_rung_says_whether_the_board_was_without_power(faulty):
    board = faulty()
    assert "the board lost its power" in climb_to_power(board)
    board.fault("hub-lies")
    assert KEPT_SENTENCE in climb_to_power(board)
