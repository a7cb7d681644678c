"""A kept virtual board outlives its command, is one run's at a time, and is never left for ever."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from camrig.deadline import Deadline
from camrig.lab import kept_boards, listing, lock
from camrig.lab.device_spec import open_device
from camrig.lab.usb_ports import lock_key
from camrig.settings.resolve import Settings
from camrig.settings.wifi import Wifi
from camrig.virtual import kept
from camrig.virtual.board import VirtualConfig
from camrig.virtual.expiry import Expiry
from camrig.virtual.profiles import Costs

from tests_unit.conftest import ROOT

SEPARATE = """
import sys
from camrig.lab import kept_boards
from camrig.virtual.board import VirtualConfig
kept_boards.keep(VirtualConfig(), float(sys.argv[1]))
"""


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    yield tmp_path
    kept_boards.end_all()


def keep(config: VirtualConfig | None = None) -> kept.KeptBoard:
    return kept_boards.keep(config or VirtualConfig())[0]


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = Deadline.after(20)
    while not condition():
        assert not deadline.passed
        time.sleep(0.01)


def port_of_run(settings: Settings | None = None, spec: str = "sim") -> str:
    with open_device(spec, settings or Settings()) as device:
        return device.port


def test_a_board_outlives_its_command_and_serves_many_runs(run, tmp_path):
    started = run("camrig", "sim", "--keep", env={"XDG_RUNTIME_DIR": str(tmp_path)})
    assert started.code == 0, started.out
    path = re.search("virtual board: (.*)", started.out)[1]
    assert "started now; camrig sim --end ends it." in started.out
    assert re.search("kept since .*; camrig sim --end ends it", run("camrig", "sim", "--keep").out)
    assert [port_of_run(), port_of_run()] == [path, path]
    assert path in run("camrig", "devices").out
    ended = run("camrig", "sim", "--end")
    assert (ended.code, ended.out) == (0, "ended 1 kept virtual board\n")
    assert ended.left_running() == []
    assert not os.path.lexists(path)
    assert run("camrig", "sim", "--end").out == "no virtual board is kept\n"
    assert [path.name for path in (tmp_path / "camrig").rglob("*kept*")] == []


def test_nothing_is_sent_to_a_board_that_has_it_all(hil, tmp_path):
    keep()
    first, second = hil(), hil()
    assert (first.code, second.code) == (0, 0), first.out + second.out
    assert "; 0 unchanged" in first.out
    assert "0 files sent, 0 bytes;" in second.out
    assert "[VIRTUAL BOARD: no figure of hardware]" in second.out


def test_two_runs_never_share_a_board():
    board = keep()
    with open_device("sim", Settings()) as first, open_device("sim", Settings()) as second:
        assert first.port == board.path
        assert os.path.exists(second.port)
        assert second.port != board.path
        assert lock.inspect(lock_key(board.path))[0].pid == os.getpid()
    assert lock.inspect(lock_key(board.path))[0] is None


@pytest.mark.parametrize(
    ("kept_config", "settings", "spec"),
    [
        (VirtualConfig(costs=Costs(boot=0.5)), Settings(), "sim"),
        (VirtualConfig(), Settings(), "sim:slow-chip"),
        (VirtualConfig(faults=("garble@0.01",)), Settings(), "sim"),
        (VirtualConfig(heap=1 << 20), Settings(), "sim"),
        (VirtualConfig(), Settings(wifi=Wifi("lab", "correct horse")), "sim"),
        (VirtualConfig(wifi_ssid="lab", wifi_password="correct horse"), Settings(), "sim"),
    ],
)
def test_a_board_of_other_settings_is_left_alone(kept_config, settings, spec):
    board = keep(kept_config)
    assert port_of_run(settings, spec) != board.path
    assert board.answers


def test_a_board_of_older_code_is_not_used_and_is_replaced(monkeypatch):
    old = keep()
    monkeypatch.setattr(kept, "_code", lambda interpreter: "of a later version")
    assert port_of_run() != old.path
    new, started = kept_boards.keep(VirtualConfig())
    assert started
    assert port_of_run() == new.path
    wait_until(lambda: is_gone(old.pid))
    assert not old.home.exists()


def test_the_code_of_a_board_is_that_of_its_files(monkeypatch, tmp_path):
    interpreter = tmp_path / "micropython"
    interpreter.write_text("x")
    before = kept._code(str(interpreter))
    assert kept._code(str(interpreter)) == before
    interpreter.write_text("xy")
    after = kept._code(str(interpreter))
    assert after != before
    os.utime(interpreter, ns=(1, 1))
    assert kept._code(str(interpreter)) not in (before, after)


def test_a_killed_supervisor_leaves_a_fresh_board_to_the_next_run():
    board = keep()
    os.kill(board.pid, signal.SIGKILL)
    wait_until(lambda: is_gone(board.pid))
    port = port_of_run()
    assert port != board.path
    assert not board.home.exists()
    assert not lock.path_of(board.home.name).exists()


def test_a_board_whose_run_was_killed_is_used_again(tmp_path):
    board = keep()
    code = (
        "import sys\nfrom camrig.settings.resolve import Settings\nfrom camrig.bringup.board import Board\n"
        "board = Board('sim', Settings()).__enter__()\nprint(board.device.port, flush=True)\n"
        "board.exec('while True: pass', timeout=60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().strip() == board.path
        process.kill()
    from camrig.bringup.board import Board

    with Board("sim", Settings()) as again:
        assert again.device.port == board.path
        assert again.eval("6 * 7") == 42


def test_a_record_of_before_a_restart_is_cleared_away(runtime):
    board = keep()
    record = (board.home / kept.RECORD).read_bytes()
    kept_boards.end_all()
    board.home.mkdir()
    (board.home / kept.RECORD).write_bytes(record)
    kept.NamedPipes.make(board.home)
    assert port_of_run() != board.path
    assert not board.home.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"path": 1}', '{"home": "/"}'])
def test_a_damaged_record_keeps_no_run_from_a_board(text):
    board = keep()
    (board.home / kept.RECORD).write_text(text)
    assert port_of_run() != board.path
    kept_boards.end_all()
    wait_until(lambda: is_gone(board.pid))
    assert not board.home.exists()


def test_a_board_that_hangs_is_ended_by_force():
    board = keep()
    os.kill(board.pid, signal.SIGSTOP)
    kept.end(board.home)
    wait_until(lambda: is_gone(board.pid))


def test_only_its_user_can_read_a_board(runtime):
    board = keep(VirtualConfig(wifi_password="open-sesame"))
    for path in (board.home.parent, board.home, *board.home.iterdir()):
        if not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_board_in_use_is_not_ended(run):
    board = keep()
    with open_device("sim", Settings()):
        ended = run("camrig", "sim", "--end")
        assert ended.code == 6
        assert f"{board.path}: the board is in use by" in ended.out
        assert "so it was not ended" in ended.out
    assert board.answers


def test_its_power_can_be_cut():
    board = keep()
    with open_device("sim", Settings()) as device:
        assert device.power_cycle is not None
        device.power_cycle()
        assert board.answers


def test_the_devices_of_this_computer_include_it():
    board = keep()
    with open_device("sim", Settings()):
        (row,) = [row for row in listing.rows(Settings(), probe=False) if row.port == board.path]
    assert (row.bridge, bool(row.holder)) == ("virtual board", True)


def test_a_board_ends_after_hours_without_use():
    subprocess.run([sys.executable, "-c", SEPARATE, "0.2"], cwd=ROOT, check=True, timeout=60)
    wait_until(lambda: not list(lock.kept_folder().iterdir()))
    wait_until(lambda: not list(lock.folder().glob("kept-*")))


def test_use_puts_off_the_end_and_a_run_that_has_it_prevents_it():
    lock.take("kept-x", "x").release()
    expiry = Expiry({"seconds": 10, "lock": str(lock.path_of("kept-x"))}, now=0)
    assert not expiry.passed(9.9)
    expiry.used(5)
    assert (expiry.passed(14.9), expiry.wake_at) == (False, 15)
    with lock.held("kept-x", "x"):
        assert (expiry.passed(15), expiry.wake_at) == (False, 25)
    assert expiry.passed(25)
    assert not lock.path_of("kept-x").exists()
    assert not Expiry(None, now=0).passed(1e9)


def test_two_commands_at_a_time_start_one_board():
    commands = [subprocess.Popen([sys.executable, "-c", SEPARATE, "600"], cwd=ROOT) for _ in range(3)]
    assert [command.wait(60) for command in commands] == [0, 0, 0]
    assert len(kept_boards.listed()) == 1
