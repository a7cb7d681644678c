"""What of a run counts against its board, and what keeps a run from a board."""

from __future__ import annotations

from contextlib import suppress
from types import SimpleNamespace

import pytest
from camrig.board.recovery import CONTROL_LINES, SOFT_RESET, RungAttempt
from camrig.bringup import recovery as recovery_module
from camrig.bringup.health import HealthKeeper
from camrig.bringup.recovery import Recovery
from camrig.errors import (
    BoardBrokenError,
    BoardResetError,
    BoardSilentError,
    BootLoaderError,
    CamrigError,
    NoMicroPythonError,
    QuarantinedError,
)
from camrig.lab import health_files
from camrig.lab.health import FINE, NOT_BACK, PORT_LOST, RECOVERED, BoardHealth
from camrig.settings.resolve import Settings
from camrig.steps import Steps

KEY, MAC = "usb-10c4:ea60-0001", "24:6f:28:aa:10:c4"


@pytest.fixture(autouse=True)
def runtime(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


class Run:
    """A run on one board; ``said`` are its lines."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.keeper = HealthKeeper("/dev/ttyUSB0", self.said.append)

    def __enter__(self) -> HealthKeeper:
        self.keeper.admit(KEY)
        self.keeper.identified(MAC)
        return self.keeper

    def __exit__(self, *error: object) -> None:
        self.keeper.keep()


def ends() -> list[str]:
    return [run.end for run in health_files.read(f"mac-{MAC}").runs]


def test_only_what_was_seen_of_a_board_is_kept():
    with Run() as run:
        run.served()
    with Run():  # blocked by Wi-Fi, a wrong setting or Ctrl-C before it served
        pass
    with Run() as run:
        run.recovered()
        run.recovered()
        run.served()
    run.keep()  # a second time, as where a board is left twice
    with Run() as run:
        run.port_lost("the port was lost (EIO)")
        run.recovered()
    assert ends() == [FINE, RECOVERED, PORT_LOST]
    assert str(health_files.read(f"mac-{MAC}").runs[1]) == "recovered 2 times"


def test_a_board_that_comes_back_after_all_is_not_wedged():
    with Run() as run:
        run.not_back("tried: Ctrl-C")
        run.came_back()
        run.served()
    assert ends() == [FINE]
    with Run() as run:
        run.port_lost("the port was lost (EIO)")
        run.not_back("tried: Ctrl-C")
        run.port_lost("the port was lost (EIO)")
    assert ends() == [FINE, NOT_BACK]


def test_the_next_run_says_that_the_last_could_not_bring_it_back():
    with Run() as run:
        run.not_back("tried: Ctrl-C")
    following = Run()
    with following as run:
        run.served()
    assert "could not bring this board back; trying again" in following.said[0]
    last = Run()
    with last:
        pass
    assert last.said == []


def test_the_third_bad_run_quarantines_and_says_so():
    for _ in range(3):
        run = Run()
        with run as keeper:
            keeper.port_lost("the port was lost (EIO)")
    assert "quarantined from now on: 3 of its last 3 runs were bad" in run.said[-1]
    with pytest.raises(QuarantinedError, match=r"by the rule: 3 of .*port lost") as raised, Run():
        pass
    assert raised.value.exit_code == 6
    assert "camrig doctor --device /dev/ttyUSB0" in str(raised.value)
    doctor = HealthKeeper("/dev/ttyUSB0", print)
    doctor.admit(KEY, refuses=False)
    doctor.identified(MAC)
    assert [state.partition(" since")[0] for state in doctor.clear()] == ["quarantined"]
    assert doctor.clear() == []
    with Run():
        pass


def test_a_quarantined_board_on_another_port_is_known_by_its_mac():
    health_files.change(f"mac-{MAC}", lambda health: health.set_aside("2026-11-29 01:12:09", "", "loose"))
    keeper = HealthKeeper("/dev/ttyUSB3", print)
    keeper.admit("port-/dev/ttyUSB3")
    with pytest.raises(QuarantinedError, match="by hand: loose"):
        keeper.identified(MAC)


def test_the_board_of_one_run_has_no_health():
    keeper = HealthKeeper("sim", print)
    keeper.identified(MAC)
    keeper.port_lost("gone")
    keeper.keep()
    assert keeper.report is None
    assert keeper.clear() == []
    assert health_files.listed() == []


class Ladder:
    """Helps, or does not."""

    def __init__(self, helps: bool) -> None:
        self.helps = helps
        self.attempts = [RungAttempt("USB power", 0, ok=False, absent=True)]

    def climb(self, first: str) -> None:
        self.attempts.append(RungAttempt(first, 1, ok=self.helps))
        if not self.helps:
            raise BoardBrokenError("the board cannot be brought back")


@pytest.mark.parametrize(
    ("error", "helps", "mac", "expected"),
    [
        (BoardSilentError("nothing answers"), True, MAC, ("recovered", CONTROL_LINES)),
        (BootLoaderError("waits"), True, MAC, ("recovered", CONTROL_LINES)),
        (BoardSilentError("nothing answers"), False, MAC, (f"not back, tried: {CONTROL_LINES}", CONTROL_LINES)),
        (BoardSilentError("nothing answers"), False, "", ("came back", CONTROL_LINES)),  # a port without a board
        (NoMicroPythonError("Ctrl-C is ignored"), True, MAC, ("came back", SOFT_RESET)),  # by the program
        (NoMicroPythonError("Ctrl-C is ignored"), False, MAC, ("came back", SOFT_RESET)),
        (BoardResetError("it restarted"), False, MAC, ("came back", SOFT_RESET)),
    ],
)
def test_what_counts_of_taking_a_board_over(monkeypatch, error, helps, mac, expected):
    notes: list[str] = []
    health = SimpleNamespace(
        recovered=lambda: notes.append("recovered"),
        not_back=lambda reason: notes.append(f"not back, {reason}"),
        came_back=lambda: notes.append("came back"),
    )
    ladder = Ladder(helps)
    monkeypatch.setattr(recovery_module, "_ladder", lambda *arguments: ladder)

    def repl() -> None:
        raise error

    recovery = Recovery(SimpleNamespace(repl=repl), None, Settings(), Steps(), lambda: mac, health)
    with suppress(CamrigError):
        recovery.wake()
    assert (notes[-1], ladder.attempts[-1].rung) == expected


def test_a_full_disk_ends_no_run(monkeypatch):
    def fail(*arguments: object) -> BoardHealth:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(health_files, "change", fail)
    with Run() as run:
        run.served()
