"""``camrig doctor --power`` tells a hub that switches power from one that only says so."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from camrig.board.dark import KEPT_SENTENCE
from camrig.board.session import Session
from camrig.doctor.chain import Doctor
from camrig.doctor.check import Check, State
from camrig.doctor.dark import dark_check
from camrig.errors import BlockedError
from camrig.settings.resolve import Settings
from camrig.virtual.board import VirtualBoard, VirtualConfig


def test_a_board_has_to_prove_that_it_was_without_power():
    with VirtualBoard.start(VirtualConfig()) as virtual:
        session = Session(virtual.path, 115200)
        device = SimpleNamespace(spec="sim", port=virtual.path, power_cycle=virtual.power_cycle, no_power="")
        board = SimpleNamespace(device=device, session=session, spec="sim", settings=Settings())
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


@pytest.mark.parametrize(("state", "cleared"), [(State.OK, True), (State.NOTE, True), (State.WRONG, False)])
def test_only_a_sound_board_loses_its_marks(monkeypatch, state, cleared):
    doctor = Doctor("sim", Settings(), lambda check: None, deploy=False, pulse=False, options={})
    doctor.checks.append(Check("power", state, "what was found"))
    monkeypatch.setattr(doctor.board.health, "clear", lambda: ["wedged since yesterday"])
    doctor._clear_marks()
    assert any("wedged since yesterday" in check.finding for check in doctor.checks) == cleared


def fail() -> None:
    raise BlockedError("uhubctl failed: no permission", hint="try it by hand")
