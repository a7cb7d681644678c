"""A port that is lost in the middle: the reason, what the kernel said, and who is to know."""

from __future__ import annotations

import pytest
from camrig.board import session as session_module
from camrig.board.console import Console
from camrig.board.crash import PORT_LOST, POWER_OR_CABLE, Crash
from camrig.board.crash_error import crash_error
from camrig.board.port import lost_port
from camrig.board.session import Session
from camrig.errors import PortError
from camrig.virtual.board import VirtualBoard, VirtualConfig

SAID = "usb 1-1.4: device descriptor read/64, error -71"


class UsbLog:
    """A log in which something went wrong."""

    def __init__(self, port: str) -> None:
        self.port = port

    def lines(self) -> list[str]:
        return [SAID]


def test_a_lost_port_has_what_the_kernel_says_beside_it(monkeypatch):
    monkeypatch.setattr(session_module, "UsbLog", UsbLog)
    reasons: list[str] = []
    with VirtualBoard.start(VirtualConfig()) as board:
        session = Session(board.path, 115200, lost=reasons.append)
        try:
            session.repl()
            assert session.usb_trouble == []
            board.fault("port-lost@now")
            with pytest.raises(PortError, match="the port was lost") as raised:
                session.exec("print(1)")
        finally:
            session.close()
    assert raised.value.details == SAID
    assert session.usb_trouble == [SAID]
    assert reasons
    assert reasons[0].startswith("the port was lost")


def test_a_crash_that_is_a_lost_port_keeps_what_the_kernel_says():
    console = Console()
    console.feed(b"serving\r\n")
    console.fail(lost_port(OSError(5, "Input/output error")).amended(details=SAID))
    error = crash_error(Crash(PORT_LOST, "the port was lost", POWER_OR_CABLE), console, "bench", 0)
    assert error.details.splitlines() == [SAID, "serving"]
