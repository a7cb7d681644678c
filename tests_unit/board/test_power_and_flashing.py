"""The two rungs that need a tool: USB power with a substitute for uhubctl, reflash with esptool and a mock chip."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from camrig.board import flashing, power
from camrig.board.recovery import CONTROL_LINES, REFLASH, USB_POWER, Ladder, rungs
from camrig.board.session import Session
from camrig.errors import BlockedError, BoardBrokenError, FlashError
from camrig.virtual.board import VirtualBoard, VirtualConfig


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("1-1.4:1.0", ("1-1", "4")),
        ("1-4", ("1", "4")),
        ("2-1.3.2:1.1", ("2-1.3", "2")),
        ("", None),
        (None, None),
        ("COM5", None),
    ],
)
def test_hub_and_port_from_a_location(location, expected):
    assert power.hub_and_port(location) == expected


def uhubctl(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    program = folder / "uhubctl"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    port = types.SimpleNamespace(device="/dev/ttyUSB7", location="1-1.4:1.0")
    monkeypatch.setattr(power.list_ports, "comports", lambda: [port])


def test_uhubctl_gets_hub_and_port(tmp_path, monkeypatch):
    uhubctl(tmp_path, monkeypatch, f'echo "$@" > {tmp_path}/arguments')
    cycle, why = power.usb_power("/dev/ttyUSB7")
    assert why == ""
    cycle()
    assert (tmp_path / "arguments").read_text().split() == ["-l", "1-1", "-p", "4", "-a", "cycle", "-d", "2"]


def test_a_failing_uhubctl_is_named(tmp_path, monkeypatch):
    uhubctl(tmp_path, monkeypatch, "echo No compatible devices detected >&2; exit 1")
    with pytest.raises(BlockedError, match="uhubctl failed: No compatible devices"):
        power.usb_power("/dev/ttyUSB7")[0]()


def test_a_uhubctl_that_hangs_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(power, "SECONDS", 0.1)
    uhubctl(tmp_path, monkeypatch, "while :; do :; done")
    with pytest.raises(BlockedError, match="did not finish"):
        power.usb_power("/dev/ttyUSB7")[0]()


@pytest.mark.parametrize("port", ["/dev/ttyS0", "socket://127.0.0.1:4000"])
def test_a_port_that_is_not_on_a_hub_cannot_be_switched(tmp_path, monkeypatch, port):
    uhubctl(tmp_path, monkeypatch, "exit 0")
    cycle, why = power.usb_power(port)
    assert cycle is None
    assert port in why


def test_a_missing_uhubctl_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert power.usb_power("/dev/ttyUSB7") == (None, "uhubctl is not installed")


@pytest.fixture
def rom(tmp_path: Path) -> Iterator[str]:
    """The port of a mock ESP32 that waits in its boot loader; only its flash works."""
    program = Path(sys.executable).with_name("esp32-mock-bootloader")
    command = [program, "run", "--pty", "--chip", "esp32", "--timeout", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONUNBUFFERED": "1"}) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "firmware.bin"
    path.write_bytes(bytes(range(256)) * 20)
    return path


def read_back(port: str, *range_and_file: str | Path) -> bytes:
    """What the chip holds. On a busy machine esptool may wait in vain for the mock chip, and then reads again."""
    command = [sys.executable, "-m", "esptool", "--port", port, "--no-stub", "--connect-attempts", "50", "read-flash"]
    for _ in range(5):
        read = subprocess.run([*command, *range_and_file], capture_output=True, text=True, timeout=60)
        if read.returncode == 0:
            return Path(range_and_file[-1]).read_bytes()
    raise AssertionError(read.stdout + read.stderr)


def test_the_firmware_is_written_to_the_boot_address(tmp_path, rom, image, capsys):
    write, why = flashing.reflash(rom, image)
    assert why == ""
    write()
    assert capsys.readouterr().out == ""
    assert read_back(rom, "0x1000", "5120", tmp_path / "read.bin") == image.read_bytes()


def test_a_board_comes_back_with_new_firmware(tmp_path, rom, image):
    """The port leads to the mock chip until its firmware is written, and to a virtual board from then on."""
    port = tmp_path / "port"
    port.symlink_to(rom)
    with VirtualBoard.start(VirtualConfig()) as board, contextlib.closing(Session(str(port), 115200)) as session:
        write, _ = flashing.reflash(str(port), image)

        def flash() -> None:
            write()
            port.unlink()
            port.symlink_to(board.path)

        ladder = Ladder(session, rungs(session, pulse=lambda: False, reflash=flash, boot=2))
        assert ladder.climb(CONTROL_LINES).rung == REFLASH
        assert session.exec("print(6 * 7)", 5).strip() == "42"
        assert [(attempt.rung, attempt.absent) for attempt in ladder.attempts] == [
            (CONTROL_LINES, True),
            (USB_POWER, True),
            (REFLASH, False),
        ]


def test_a_board_that_stays_silent_after_flashing_is_given_up(rom, image):
    """The chip is written and stays in its boot loader: it is given up after the longest boot time."""
    with contextlib.closing(Session(rom, 115200)) as session:
        write, _ = flashing.reflash(rom, image)
        ladder = Ladder(session, rungs(session, pulse=lambda: False, reflash=write, boot=1))
        with pytest.raises(BoardBrokenError, match=r"reflash: failed after"):
            ladder.climb(REFLASH)
        assert ladder.attempts[-1].seconds < 60


def test_flashing_through_a_missing_port_is_an_error(image):
    write, _ = flashing.reflash("/dev/ttyGONE", image)
    with pytest.raises(FlashError, match=r"firmware.bin could not be written .*ttyGONE"):
        write()


def test_a_missing_firmware_option_is_named():
    assert flashing.reflash("/dev/ttyUSB7", None) == (None, "no --firmware is given")


def test_a_missing_esptool_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(flashing.importlib.util, "find_spec", lambda name: None)
    write, why = flashing.reflash("/dev/ttyUSB7", tmp_path / "firmware.bin")
    assert write is None
    assert "pip install camrig[flash]" in why
