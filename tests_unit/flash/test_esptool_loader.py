"""esptool itself against a mock chip behind a pseudo-terminal, and the lines that lead into its boot loader."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import esptool
import pytest
import serial
from camrig.board.line_profiles import DEVKIT, NONE, PROFILES
from camrig.errors import FlashError, NotStartedError, PortError
from camrig.firmware.image import read_image
from camrig.flash import esptool_loader, previous
from camrig.flash.esptool_loader import connector
from camrig.flash.write import Target, flash_board
from camrig.steps import Steps

from benchmarks.firmware_images import Parts

IMAGE = read_image(Parts().release(), "new.bin")


@pytest.fixture(autouse=True)
def _small_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pseudo-terminal drops what is more than its buffer of 4096 bytes, which real lines do not have."""
    monkeypatch.setattr(previous, "CHUNK", 1024)


@pytest.fixture(scope="module")
def rom() -> Iterator[str]:
    """The port of a mock ESP32 that waits in its boot loader, without control lines."""
    program = Path(sys.executable).with_name("esp32-mock-bootloader")
    command = [program, "run", "--pty", "--chip", "esp32", "--timeout", "300"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONUNBUFFERED": "1"}) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()


def test_esptool_writes_verifies_and_recognises_the_image(rom, tmp_path, capfd):
    """The mock's port has no line that could reset it, so each time the board has to be started by hand."""
    lines: list[str] = []
    target = Target(
        "cam", "", connector(rom, DEVKIT), steps=Steps(lambda step: lines.append(str(step))), folder=tmp_path
    )
    for _ in range(2):
        with pytest.raises(NotStartedError, match=r"has what it should have.*no control lines"):
            flash_board(target, IMAGE)
    with contextlib.closing(connector(rom, DEVKIT)()) as loader:
        assert (loader.chip, loader.flash_bytes) == ("esp32", 4 << 20)
        assert len(loader.mac) == 17
        assert loader.read(0x10000, 2048) == IMAGE.data[0xF000 : 0xF000 + 2048]
        with pytest.raises(FlashError, match="another board is on this port"):
            flash_board(Target("cam", "a0:b1:c2:00:00:01", lambda: loader), IMAGE)
    assert capfd.readouterr() == ("", "")


def test_progress_counts_the_bytes_of_all_pieces(rom, tmp_path):
    counts: list[int] = []
    pieces = [(0x100000, bytes(20_000).ljust(0x5000, b"\1")), (0x200000, b"\2" * 0x3000)]
    with contextlib.closing(connector(rom, DEVKIT)()) as loader:
        loader.write(pieces, counts.append)
    assert counts == sorted(counts)
    assert counts[-1] == 0x8000


def unplugged(*_: object, **__: object) -> None:
    raise serial.SerialException("gone")


def test_a_port_that_is_lost_is_not_opened_again_by_esptool(rom, monkeypatch):
    """Another board may be on it by then."""
    with contextlib.closing(connector(rom, DEVKIT)()) as loader:
        chip = loader._chip  # type: ignore[attr-defined]
        monkeypatch.setattr(
            type(chip), "flash_defl_block", lambda *_, **__: (_ for _ in ()).throw(serial.SerialException("gone"))
        )
        monkeypatch.setattr(type(chip), "connect", lambda *_, **__: pytest.fail("connected again"))
        with pytest.raises(FlashError, match=r"the flash cannot be written \(gone\)"):
            loader.write([(0x100000, bytes(0x1000))], lambda done: None)


def test_a_line_that_is_too_slow_is_used_at_its_first_speed(rom, monkeypatch):
    def refuse(*_: object) -> None:
        raise esptool.FatalError("no answer at that speed")

    monkeypatch.setattr(esptool.loader.ESPLoader, "change_baud", refuse)
    with contextlib.closing(connector(rom, DEVKIT)()) as loader:
        assert loader.flash_bytes == 4 << 20


def test_a_wiring_without_a_boot_loader_line_is_named(rom, monkeypatch):
    monkeypatch.setattr(esptool_loader, "has_lines", lambda port: True)
    with pytest.raises(FlashError, match="the wiring none has no boot-loader line"):
        connector(rom, NONE)()


def test_a_wiring_that_esptool_does_not_know_is_played_by_the_rig(rom, monkeypatch):
    played: list[object] = []
    monkeypatch.setattr(esptool_loader, "has_lines", lambda port: True)
    monkeypatch.setattr(esptool_loader, "play", lambda port, sequence, idle: played.append(sequence) or True)
    monkeypatch.setattr(esptool_loader, "pulse", lambda port, profile: played.append(profile.reset) or True)
    profile = PROFILES["dtr-reset"]
    with contextlib.closing(connector(rom, profile)()) as loader:
        loader.reset()
    assert played == [profile.bootloader, profile.reset]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("get_flash_encryption_enabled", "the chip encrypts its flash"),
        ("connect", r"the board does not enter its boot loader \(Failed to connect: No serial data received\)"),
    ],
)
def test_a_chip_that_cannot_be_written_is_named(rom, monkeypatch, part, words):
    def refuse(*_: object, **__: object) -> bool:
        if part == "connect":
            raise esptool.FatalError(
                "Failed to connect: No serial data received.\nFor troubleshooting steps visit: …"
            )
        return True

    monkeypatch.setattr(esptool.targets.ESP32ROM, part, refuse)
    monkeypatch.setattr(esptool.loader.ESPLoader, part, refuse, raising=False)
    with pytest.raises(FlashError, match=words) as caught:
        connector(rom, DEVKIT)()
    assert "\n" not in str(caught.value)


def test_a_missing_port_and_a_missing_esptool_are_named(monkeypatch):
    with pytest.raises(PortError, match="there is no port /dev/ttyGONE"):
        connector("/dev/ttyGONE", DEVKIT)()
    monkeypatch.setattr(esptool_loader.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FlashError, match=r"pip install camrig\[flash\]"):
        connector("/dev/ttyGONE", DEVKIT)()
