"""Starts are counted, and what was not clean is named."""

from __future__ import annotations

import pytest
from camrig.board.console import Console
from camrig.board.console_parser import ConsoleParser
from camrig.board.crash import crash_of
from camrig.board.events import BROWNOUT, PANIC, TASK_WATCHDOG, Crashed, ResetCause, Restarted, Serving, WifiJoined
from camrig.cli.main import main
from camrig.doctor import chain, power
from camrig.doctor.check import State
from camrig.doctor.power import (
    DEAD,
    NO_PORT,
    NO_WIFI,
    NOT_UP,
    POWER_ON,
    StartRecord,
    fault_of,
    power_check,
    start_check,
    starts,
)
from camrig.errors import BoardBrokenError, BoardSilentError, BootError, CamrigError, PortError, WifiError
from camrig.virtual import rom
from camrig.virtual.board import VirtualBoard, VirtualConfig
from hypothesis import given
from hypothesis import strategies as st

BOOT = [Restarted("SW_CPU_RESET"), ResetCause("hard"), WifiJoined("192.168.1.7"), Serving("http://192.168.1.7:8080")]
CRASHES = [
    Crashed(BROWNOUT, "Brownout detector was triggered"),
    Crashed(PANIC, "Guru"),
    Crashed(TASK_WATCHDOG, "wdt"),
]
RESETS = ["SW_CPU_RESET", "POWERON_RESET", "TG1WDT_SYS_RESET", "RTCWDT_BROWN_OUT_RESET", "DEEPSLEEP_RESET"]


@pytest.mark.parametrize(
    "first", ["SW_CPU_RESET", "SW_RESET", "RTC_SW_CPU_RST", "USB_UART_CHIP_RESET", "POWERON_RESET"]
)
def test_one_start_is_clean_whatever_reset_was_asked_for(first):
    assert fault_of([Restarted(first), *BOOT[1:]]) is None
    assert fault_of(BOOT[1:]) is None  # a board whose ROM prints elsewhere
    assert fault_of([]) is None


@given(st.sampled_from(CRASHES + [Restarted(name) for name in RESETS]), st.integers(1, 4))
def test_a_crash_or_another_restart_at_any_moment_is_a_fault(event, moment):
    fault = fault_of([*BOOT[:moment], event, *BOOT])
    assert fault is not None
    assert fault.kind == crash_of(event).kind


@given(st.lists(st.sampled_from([*BOOT, *CRASHES]), max_size=8), st.integers(0, 8))
def test_a_brownout_explains_everything_else(events, place):
    events.insert(place, CRASHES[0])
    assert fault_of(events).kind == BROWNOUT


@pytest.mark.parametrize(
    ("cause", "kind"), [("RTCWDT_BROWN_OUT_RESET", BROWNOUT), ("RTCWDT_RTC_RESET", "watchdog reset")]
)
def test_the_reset_that_was_asked_for_may_have_been_another(cause, kind):
    assert fault_of([Restarted(cause), *BOOT[1:]]).kind == kind


@pytest.mark.parametrize(
    ("reset", "kind"), [(rom.BROWNOUT, BROWNOUT), (rom.PANIC, PANIC), (rom.WATCHDOG, TASK_WATCHDOG)]
)
def test_what_a_console_prints_is_understood(reset, kind):
    events = ConsoleParser().feed(rom.SOFTWARE.console + b"camrig: reset cause hard\r\n" + reset.console)
    assert fault_of(events).kind == kind


FAULTS = [BROWNOUT, POWER_ON, NO_PORT, PANIC, NO_WIFI, NOT_UP, DEAD, "watchdog reset"]
RECORDS = st.builds(
    lambda seconds, kind: StartRecord(
        seconds, kind, "why" if kind else "", "press the button" if kind == DEAD else ""
    ),
    st.floats(0, 99),
    st.sampled_from(["", *FAULTS]),
)


@given(st.lists(RECORDS, max_size=10))
def test_the_count_never_claims_more_than_was_seen(done):
    check = power_check(done, 10)
    clean = sum(not start.kind for start in done)
    kinds = {start.kind for start in done if start.kind}
    assert (check.state is State.OK) == (clean == 10)
    assert (check.state is State.WRONG) == bool(kinds)
    assert f"{clean} of {len(done)} starts" in check.finding or not done
    assert all(kind in check.finding for kind in kinds)
    assert bool(check.advice) == bool(kinds)
    assert ("5V" in check.advice) or not kinds & {BROWNOUT, POWER_ON, NO_PORT}
    assert [start_check(1, start).state is State.WRONG for start in done] == [bool(start.kind) for start in done]


class Board:
    """Board and dut in one: each start prints some events, and may raise an error while it boots or is asked."""

    def __init__(self, events: list[bytes], error: CamrigError | None = None, dead: bool = False) -> None:
        self.session = self.recovery = self
        self.console = Console()
        self._events, self._error, self._dead = events, error, dead
        self.recoveries = 0

    def repl(self) -> None:
        raise BoardSilentError("nothing answers")

    def bring_back(self) -> None:
        self.recoveries += 1
        if self._dead:
            raise BoardBrokenError("no rung helped", hint="press the button")

    def boot(self) -> None:
        for line in self._events:
            self.console.feed(line)
        if self._error is not None:
            raise self._error

    def request(self, method: str, path: str) -> None:
        assert (method, path) == ("GET", "/capture")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (None, ""),
        (WifiError("no network", hint="look"), NO_WIFI),
        (PortError("the port was lost"), NO_PORT),
        (BootError("it hangs"), NOT_UP),
    ],
)
def test_a_start_that_fails_for_another_reason_is_named(monkeypatch, error, kind):
    monkeypatch.setattr(power, "SECONDS_UP", 0.01)
    board = Board([b"rst:0xc (SW_CPU_RESET)\n", b"camrig: reset cause hard\n"], error)
    records = list(starts(board, board, 3))  # type: ignore[arg-type]
    assert [start.kind for start in records] == [kind] * 3
    assert board.recoveries == 3
    assert {(start.reason, start.hint) for start in records} == {(error.what, error.hint) if error else ("", "")}


def test_the_console_says_more_than_the_error():
    board = Board([b"rst:0xc (SW_CPU_RESET)\n", b"Brownout detector was triggered\n"], PortError("the port was lost"))
    assert [start.kind for start in starts(board, board, 1)] == [BROWNOUT]  # type: ignore[arg-type]


def test_a_dead_board_ends_the_count():
    board = Board([], dead=True)
    records = list(starts(board, board, 10))  # type: ignore[arg-type]
    assert records == [StartRecord(0.0, DEAD, "no rung helped", "press the button")]
    assert power_check(records, 10).advice == "press the button"


def test_nothing_counted_claims_nothing():
    check = power_check([], 10)
    assert (check.state, check.finding) == (State.NOTE, "no start was counted; 10 were to be counted")


@pytest.fixture
def doctor(monkeypatch, capsys):
    """The exit code and the text of ``camrig doctor --power``, for a board with a camera and some faults."""
    monkeypatch.setattr(power, "SECONDS_UP", 0.3)
    monkeypatch.setenv("CAMRIG_WIFI_SSID", "lab")
    monkeypatch.setenv("CAMRIG_WIFI_PASSWORD", "correct horse battery")

    def call(starts: int, *faults: str) -> tuple[int, str]:
        monkeypatch.setattr(chain, "STARTS", starts)
        wifi = {"wifi_ssid": "lab", "wifi_password": "correct horse battery"}
        with VirtualBoard.start(VirtualConfig(**wifi, camera="function", faults=faults)) as board:
            code = main(["doctor", "--device", board.path, "--deploy", "--power"])
        return code, " ".join(capsys.readouterr().out.split())

    return call


def test_a_board_with_a_weak_supply_and_no_ribbon(doctor):
    """The doctor's own start joins first, and a board that has browned out starts and joins once more by itself."""
    code, text = doctor(4, "camera-error@0x105", "brownout@joined*3", "task-wdt@ready*4+0.1")
    assert code == 6
    assert "WRONG sensor the camera failed (camera.init: Camera Init Failed): no sensor answers the driver" in text
    assert "ribbon" in text
    assert "| E (" in text
    assert "camera: Camera probe failed with error 0x105(ESP_ERR_NOT_FOUND)" in text
    assert "ok start 1 it served after" in text
    assert "WRONG start 2 brownout after" in text
    assert "2 of 4 starts were clean" in text
    assert "1 × brownout, 1 × task watchdog" in text
    assert "470 µF" in text
    assert text.endswith("what is wrong: sensor, start 2, start 4, power")


def test_a_board_that_never_comes_up_is_counted_too(doctor):
    code, text = doctor(2, "brownout@joined*all")
    assert code == 6
    assert "WRONG boot the firmware crashed while booting: Brownout detector was triggered" in text
    assert "0 of 2 starts were clean: 2 × brownout" in text
