"""``camrig doctor --power`` tells a hub that switches power from one that only says so."""

from __future__ import annotations

from types import SimpleNamespace

from camrig.board.dark import KEPT_SENTENCE
from camrig.board.session import Session
from camrig.doctor.check import State
from camrig.doctor.dark import dark_check
from camrig.errors import BlockedError
from camrig.virtual.board import VirtualBoard, VirtualConfig


def test_a_board_has_to_prove_that_it_was_without_power():
    with VirtualBoard.start(VirtualConfig()) as virtual:
        session = Session(virtual.path, 115200)
        device = SimpleNamespace(port=virtual.path, power_cycle=virtual.power_cycle)
        board = SimpleNamespace(device=device, session=session, spec="sim", settings=SimpleNamespace(boots_in=8.0))
        try:
            check = dark_check(board)
            assert (check.state, "the board lost its power" in check.finding) == (State.OK, True)
            virtual.fault("hub-lies")
            check = dark_check(board)
            assert (check.state, check.finding) == (State.WRONG, KEPT_SENTENCE)
            device.power_cycle = None
            assert dark_check(board).state is State.NOTE
            device.power_cycle = fail
            assert dark_check(board).finding == "uhubctl failed: no permission"
            session.repl()  # a switch that fails leaves the port open
        finally:
            session.close()


def fail() -> None:
    raise BlockedError("uhubctl failed: no permission", hint="try it by hand")
