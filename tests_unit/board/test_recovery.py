"""The recovery ladder: which rung brings which board back, what is counted, what is said when none does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from camrig.board.events import Event, Serving
from camrig.board.recovery import (
    CHIP_RESET,
    CONTROL_LINES,
    CTRL_C,
    REFLASH,
    SOFT_RESET,
    USB_POWER,
    Ladder,
    Rung,
    RungMissingError,
    rungs,
)
from camrig.board.session import Session
from camrig.deadline import Deadline
from camrig.errors import BlockedError, BoardBrokenError, BoardSilentError, PortError
from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.conftest import Ended

WIFI = {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "correct horse battery"}

# A chip takes a moment to get from its first key to main.py; a virtual board is there at once.
BOOT = "import time\ntime.sleep(0.1)\n"
STARTED = "print('serving http://127.0.0.1:9')\n"
LOOPS = "while True:\n    pass\n"
FLOODS = "while True:\n    print('frame', 'x' * 200)\n"
SWALLOWS = (
    "while True:\n    try:\n        while True:\n            pass\n    except KeyboardInterrupt:\n        pass\n"
)
DEAF = "import micropython\nmicropython.kbd_intr(-1)\nwhile True:\n    pass\n"
GUARDED = "import machine\nw = machine.WDT(timeout=900)\nwhile True:\n    w.feed()\n"
DEAF_AND_GUARDED = (
    "import machine, micropython\nmicropython.kbd_intr(-1)\nw = machine.WDT(timeout=900)\nwhile True:\n    w.feed()\n"
)


class Fake:
    """A session that answers a proof as it is told to."""

    name = "bench"

    def __init__(self, answer: str = "42\r\n") -> None:
        self.answer = answer

    def exec(self, code: str, seconds: float) -> str:
        return self.answer


def fails(until: Deadline) -> None:
    raise BoardSilentError("nothing moved")


def absent(until: Deadline) -> None:
    raise RungMissingError("there is none")


def test_the_first_rung_that_holds_ends_the_climb():
    ladder = Ladder(Fake(), [Rung("a", 1, fails), Rung("b", 1, lambda until: None), Rung("c", 1, fails)])
    assert ladder.climb("a").rung == "b"
    assert [(tried.rung, tried.ok) for tried in ladder.tried] == [("a", False), ("b", True)]


def test_a_climb_may_start_further_up_and_all_are_counted():
    ladder = Ladder(Fake(), [Rung("a", 1, fails), Rung("b", 1, lambda until: None)])
    ladder.climb("b")
    ladder.climb("a")
    assert [tried.rung for tried in ladder.tried] == ["b", "a", "b"]


def test_a_rung_without_proof_does_not_hold():
    with pytest.raises(BoardBrokenError, match=r"a: failed after 0.0 s \(a command got no right answer\)"):
        Ladder(Fake("hello"), [Rung("a", 1, lambda until: None)]).climb("a")


def test_every_rung_is_named_when_none_holds():
    ladder = Ladder(Fake(), [Rung("a", 1, fails), Rung("b", 1, absent), Rung("c", 1, fails, "no hub")])
    with pytest.raises(BoardBrokenError) as caught:
        ladder.climb("a")
    for words in (
        "bench: ",
        "a: failed",
        "(nothing moved)",
        "b: not available (there is none)",
        "c: not available (no hub)",
    ):
        assert words in str(caught.value)
    assert [tried.absent for tried in ladder.tried] == [False, True, True]


def test_the_deadline_of_a_rung_is_its_own():
    seen = []
    Ladder(Fake(), [Rung("a", 7, lambda until: seen.append(until.seconds))]).climb("a")
    assert seen == [7]


def test_a_port_is_opened_again_when_its_power_cannot_be_switched():
    closed = []

    class Session(Fake):
        def close(self) -> None:
            closed.append("closed")

        def reopen(self, until: Deadline, find: object) -> None:
            closed.append("opened")

    def refuses() -> None:
        raise BlockedError("uhubctl refused")

    session = Session()
    ladder = Ladder(session, rungs(session, pulse=lambda: False, power=refuses))
    with pytest.raises(BoardBrokenError, match=r"uhubctl refused.*reflash: not available"):
        ladder.climb(USB_POWER)
    assert closed == ["closed", "opened"]


def runs(event: Event) -> bool | None:
    return True if isinstance(event, Serving) else None


@pytest.fixture
def misbehaving() -> Iterator[Callable[[str], VirtualBoard]]:
    """A virtual board that runs the given main.py."""
    boards = []

    def make(main: str) -> VirtualBoard:
        config = VirtualConfig(wifi_ssid="lab", wifi_password=WIFI["CAMRIG_WIFI_PASSWORD"])
        boards.append(board := VirtualBoard.start(config))
        session = Session(board.path, 115200)
        try:
            session.repl()
            for name, text in (("boot.py", BOOT), ("main.py", STARTED + main)):
                session.exec(f"f = open({name!r}, 'w')\nf.write({text!r})\nf.close()")
            board.power_cycle()
            session.listen()
            assert session.console.wait(runs, 0, Deadline.after(20)), session.console.text()
        finally:
            session.close()
        return board

    yield make
    for board in boards:
        board.close()


def climb(board: VirtualBoard, first: str = CTRL_C, power: Callable[[], None] | None = None) -> Ladder:
    session = Session(board.path, 115200)
    try:
        found = rungs(session, pulse=session.wire.pulse, power=power, no_power="no hub")
        ladder = Ladder(session, found)
        ladder.climb(first)
        assert session.exec("print('here')").strip() == "here"
        return ladder
    finally:
        session.close()
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("console of")]


@pytest.mark.parametrize("main", [LOOPS, FLOODS, GUARDED])
def test_ctrl_c_stops_what_heeds_it(misbehaving, main):
    ladder = climb(misbehaving(main))
    assert [(tried.rung, tried.ok) for tried in ladder.tried] == [(CTRL_C, True)]


def test_a_watchdog_is_left_behind_by_a_restart_that_main_does_not_survive(misbehaving):
    board = misbehaving(GUARDED)
    session = Session(board.path, 115200)
    try:
        ladder = Ladder(session, rungs(session, pulse=lambda: False))
        assert ladder.climb(CHIP_RESET).rung == CHIP_RESET
        session.exec("import time\ntime.sleep(1.5)")  # longer than the watchdog's patience
    finally:
        session.close()


@pytest.mark.parametrize("main", [DEAF, SWALLOWS, DEAF_AND_GUARDED])
def test_what_nothing_stops_is_caught_while_it_boots(misbehaving, main):
    board = misbehaving(main)
    ladder = climb(board, CONTROL_LINES, power=board.power_cycle)
    assert [(tried.rung, tried.ok, tried.absent) for tried in ladder.tried] == [
        (CONTROL_LINES, False, True),
        (USB_POWER, True, False),
    ]


def test_a_board_that_nothing_brings_back(misbehaving):
    with pytest.raises(BoardBrokenError) as caught:
        climb(misbehaving(DEAF), SOFT_RESET)
    text = str(caught.value)
    assert "control lines: not available (this port has none)" in text
    assert "USB power: not available (no hub)" in text
    assert REFLASH in text


def test_a_line_that_broke_is_opened_again(misbehaving):
    board = misbehaving(LOOPS)
    session = Session(board.path, 115200)
    try:
        session.wire.serial.close()
        session.console.fail(PortError("the port was lost"))
        ladder = Ladder(session, rungs(session, pulse=lambda: False))
        assert ladder.climb().rung == CTRL_C
        assert session.console.broken is None
    finally:
        session.close()


def test_a_port_that_stays_away_is_given_up_at_the_deadline(tmp_path):
    with VirtualBoard.start(VirtualConfig()) as board:
        session = Session(board.path, 115200)
        looked = []

        def find() -> str:
            looked.append(True)
            return str(tmp_path / "gone")

        with pytest.raises(PortError):
            session.reopen(Deadline.after(0.3), find)
        session.close()
        assert len(looked) >= 2


@pytest.mark.parametrize("main", [FLOODS, GUARDED])
def test_a_run_takes_over_a_board_that_does_something_else(misbehaving, hil: Callable[..., Ended], main):
    ended = hil("--device", misbehaving(main).path, env=WIFI)
    assert ended.code == 0, ended.out
    assert "4 passed" in ended.out


def test_a_run_that_cannot_take_over_says_what_it_tried(misbehaving, hil: Callable[..., Ended]):
    board = misbehaving(DEAF)
    ended = hil("--device", board.path, env=WIFI)
    assert ended.code == 6, ended.out
    assert "4 blocked" in ended.out
    for words in ("nothing answers on the wire", "control lines: not available", "no --firmware is given"):
        assert words in ended.out
