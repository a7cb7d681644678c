"""The recovery ladder: which rung brings which board back, which attempts are kept, what the error says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from camrig.board.console import Console
from camrig.board.events import Event, Serving
from camrig.board.recovery import (
    CHIP_RESET,
    CONTROL_LINES,
    CTRL_C,
    REFLASH,
    SECONDS_TO_LOOK,
    SECONDS_TO_RETURN,
    SOFT_RESET,
    USB_POWER,
    Ladder,
    RecoveryPort,
    Rung,
    RungUnavailableError,
    rungs,
)
from camrig.board.session import Session
from camrig.deadline import Deadline
from camrig.errors import BlockedError, BoardBrokenError, BoardSilentError, CamrigError, PortError
from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.conftest import Ended

WIFI = {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "correct horse battery"}

# A chip takes a moment from the first Ctrl-C that it accepts to main.py; a virtual board takes none.
BOOT = "import time\ntime.sleep(0.1)\n"
STARTED = "print('serving http://127.0.0.1:9')\n"
LOOPS = "while True:\n    pass\n"
FLOODS = """
import time

while True:
    print('frame', 'x' * 200)
    time.sleep_ms(1)  # 200 kB/s: more than a line at 921,600 baud takes
"""
SWALLOWS = (
    "while True:\n    try:\n        while True:\n            pass\n    except KeyboardInterrupt:\n        pass\n"
)
DEAF = "import micropython, time\nmicropython.kbd_intr(-1)\nwhile True:\n    time.sleep(1)\n"
GUARDED = "import machine, time\nw = machine.WDT(timeout=900)\nwhile True:\n    w.feed()\n    time.sleep(0.05)\n"
DEAF_AND_GUARDED = (
    "import machine, micropython\nmicropython.kbd_intr(-1)\nw = machine.WDT(timeout=900)\nwhile True:\n    w.feed()\n"
)


class FakeSession:
    """Answers the command that proves a rung with ``answer``."""

    name = "bench"

    def __init__(self, answer: str = "42\r\n") -> None:
        self.answer = answer

    def exec(self, code: str, seconds: float) -> str:
        return self.answer


class FakeRung(Rung):
    """A rung that raises ``error``, or succeeds. ``limits`` are the seconds of the deadlines that it got."""

    def __init__(self, name: str, error: CamrigError | None = None, seconds: float = 1) -> None:
        self.name, self.error, self.seconds = name, error, seconds
        self.limits: list[float] = []

    def __call__(self, deadline: Deadline) -> None:
        self.limits.append(deadline.seconds)
        if self.error is not None:
            raise self.error


SILENT = BoardSilentError("nothing moved")


def test_the_first_rung_that_succeeds_ends_the_climb():
    ladder = Ladder(FakeSession(), [FakeRung("a", SILENT), FakeRung("b"), FakeRung("c", SILENT)])
    assert ladder.climb("a").rung == "b"
    assert [(attempt.rung, attempt.ok) for attempt in ladder.attempts] == [("a", False), ("b", True)]


def test_a_climb_may_start_further_up_and_every_attempt_is_kept():
    ladder = Ladder(FakeSession(), [FakeRung("a", SILENT), FakeRung("b")])
    ladder.climb("b")
    ladder.climb("a")
    assert [attempt.rung for attempt in ladder.attempts] == ["b", "a", "b"]


def test_a_rung_whose_proof_gets_a_wrong_answer_has_failed():
    with pytest.raises(BoardBrokenError, match=r"a: failed after 0.0 s \(a command got a wrong answer\)"):
        Ladder(FakeSession("hello"), [FakeRung("a")]).climb("a")


def test_the_error_names_every_rung_when_none_succeeds():
    missing, no_hub = RungUnavailableError("there is none"), RungUnavailableError("no hub")
    ladder = Ladder(FakeSession(), [FakeRung("a", SILENT), FakeRung("b", missing), FakeRung("c", no_hub)])
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
    assert [attempt.absent for attempt in ladder.attempts] == [False, True, True]


def test_each_rung_has_its_own_deadline():
    rung = FakeRung("a", seconds=7)
    Ladder(FakeSession(), [rung]).climb("a")
    assert rung.limits == [7]


class FakePort(FakeSession):
    """A session whose port is lost and does not come back. ``calls`` are its uses of the port, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.waits: list[float] = []
        self.console = Console()

    def close(self) -> None:
        self.calls.append("close")

    def reopen(self, deadline: Deadline, find: object) -> None:
        self.calls.append("reopen")
        self.waits.append(deadline.seconds)
        if self.console.broken is not None:
            raise self.console.broken


def test_the_port_is_reopened_when_its_power_cannot_be_switched():
    def fail() -> None:
        raise BlockedError("uhubctl failed")

    session = FakePort()
    ladder = Ladder(session, rungs(session, pulse=lambda: False, power=fail))
    with pytest.raises(BoardBrokenError, match=r"uhubctl failed.*reflash: not available"):
        ladder.climb(USB_POWER)
    assert session.calls == ["close", "reopen"]


def test_a_lost_port_is_waited_for_once():
    session = FakePort()
    session.console.fail(PortError("the port was lost"))
    ladder = Ladder(session, rungs(session, pulse=lambda: False, boot=40))
    with pytest.raises(BoardBrokenError, match="the port was lost"):
        ladder.climb(CTRL_C)
    first, *later = session.waits
    assert first == SECONDS_TO_RETURN
    assert later == [SECONDS_TO_LOOK] * 3


def test_a_port_that_came_back_is_waited_for_again():
    session = FakePort()
    port = RecoveryPort(session, None)
    for _ in range(2):
        session.console.fail(PortError("the port was lost"))
        with pytest.raises(PortError):
            port.restore(Deadline.after(40))
        session.console.restore()
        port.restore(Deadline.after(40))
    assert session.waits == [SECONDS_TO_RETURN] * 2


def is_serving(event: Event) -> bool | None:
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
            assert session.console.wait(is_serving, 0, Deadline.after(20)), session.console.text()
        finally:
            session.close()
        return board

    yield make
    for board in boards:
        board.close()


def climb(board: VirtualBoard, first: str = CTRL_C, power: Callable[[], None] | None = None) -> Ladder:
    session = Session(board.path, 115200)
    try:
        ladder = Ladder(session, rungs(session, pulse=session.transport.pulse, power=power, no_power="no hub"))
        ladder.climb(first)
        assert session.exec("print('here')").strip() == "here"
        return ladder
    finally:
        session.close()
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("console of")]


@pytest.mark.parametrize("main", [LOOPS, FLOODS, GUARDED])
def test_ctrl_c_stops_a_program_that_does_not_block_it(misbehaving, main):
    ladder = climb(misbehaving(main))
    assert [(attempt.rung, attempt.ok) for attempt in ladder.attempts] == [(CTRL_C, True)]


def test_a_chip_reset_stops_a_watchdog_that_main_has_armed(misbehaving):
    board = misbehaving(GUARDED)
    session = Session(board.path, 115200)
    try:
        ladder = Ladder(session, rungs(session, pulse=lambda: False))
        assert ladder.climb(CHIP_RESET).rung == CHIP_RESET
        session.exec("import time\ntime.sleep(1.5)")  # longer than the watchdog's time-out
    finally:
        session.close()


@pytest.mark.parametrize("main", [DEAF, SWALLOWS, DEAF_AND_GUARDED])
def test_a_program_that_blocks_ctrl_c_is_caught_at_boot(misbehaving, main):
    board = misbehaving(main)
    ladder = climb(board, CONTROL_LINES, power=board.power_cycle)
    assert [(attempt.rung, attempt.ok, attempt.absent) for attempt in ladder.attempts] == [
        (CONTROL_LINES, False, True),
        (USB_POWER, True, False),
    ]


def test_a_board_that_no_rung_brings_back(misbehaving):
    with pytest.raises(BoardBrokenError) as caught:
        climb(misbehaving(DEAF), SOFT_RESET)
    text = str(caught.value)
    assert "control lines: not available (this port has none)" in text
    assert "USB power: not available (no hub)" in text
    assert REFLASH in text


def test_a_lost_port_is_opened_again(misbehaving):
    board = misbehaving(LOOPS)
    session = Session(board.path, 115200)
    try:
        session.transport.serial.close()
        session.console.fail(PortError("the port was lost"))
        ladder = Ladder(session, rungs(session, pulse=lambda: False))
        assert ladder.climb().rung == CTRL_C
        assert session.console.broken is None
    finally:
        session.close()


def test_a_port_that_stays_lost_is_given_up_at_the_deadline(tmp_path):
    with VirtualBoard.start(VirtualConfig()) as board:
        session = Session(board.path, 115200)
        searches = []

        def find() -> str:
            searches.append(True)
            return str(tmp_path / "gone")

        with pytest.raises(PortError):
            session.reopen(Deadline.after(0.3), find)
        session.close()
        assert len(searches) >= 2


@pytest.mark.parametrize("main", [FLOODS, GUARDED], ids=["floods", "guarded"])
def test_a_run_takes_over_a_board_with_another_program(misbehaving, hil: Callable[..., Ended], main):
    ended = hil("--device", misbehaving(main).path, env=WIFI)
    assert ended.code == 0, ended.out
    assert "36 passed" in ended.out


def test_a_run_that_cannot_take_over_names_every_rung(misbehaving, hil: Callable[..., Ended]):
    board = misbehaving(DEAF)
    ended = hil("--device", board.path, env=WIFI)
    assert ended.code == 6, ended.out
    assert "1 blocked" in ended.out
    for words in ("nothing answers on the serial line", "control lines: not available", "no --firmware is given"):
        assert words in ended.out
