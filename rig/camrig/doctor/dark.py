"""``camrig doctor --power``: switches the board's power off and on, and has the board prove that it was without."""

from __future__ import annotations

import time

from camrig.board.dark import DARK, KEPT_RUNNING, prove_dark, remember
from camrig.board.recovery import SECONDS_TO_RETURN
from camrig.bringup.board import Board
from camrig.bringup.recovery import power_switch
from camrig.deadline import Deadline
from camrig.doctor.check import Check, State
from camrig.errors import CamrigError
from camrig.lab.device_spec import find_port
from camrig.settings.resolve import is_virtual

NAME = "power off"
_ADVICE = (
    "the recovery ladder cannot count on it: use a hub of uhubctl's list, which cuts the 5 V too, or a relay, and do "
    "not feed the board from a second supply"
)


def dark_check(board: Board) -> Check:
    """Whether the board's power can be switched. It is left in the raw REPL, or as it fell."""
    switch, absent = power_switch(board.device, board.settings)
    if switch is None:
        return Check(NAME, State.NOTE, f"nothing here switches its power: {absent}")
    session, spec = board.session, board.spec
    try:
        session.repl()
        remember(session)
        off = time.monotonic()
        session.close()
        try:
            switch()
        finally:
            find = None if is_virtual(spec) else lambda: find_port(spec)
            session.reopen(Deadline.after(SECONDS_TO_RETURN), find)
        session.catch(board.settings.boots_in)
    except CamrigError as error:
        return Check(NAME, State.WRONG, error.what, error.hint, details=error.details)
    proof = prove_dark(session, off, session.opened)
    if proof.outcome == KEPT_RUNNING:
        return Check(NAME, State.WRONG, proof.sentence, _ADVICE)
    return Check(NAME, State.OK if proof.outcome == DARK else State.NOTE, proof.sentence)
