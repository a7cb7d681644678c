"""The two rungs that need a tool of their own, with stand-ins for the tools."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from rig.board import flashing, power
from rig.errors import Blocked, FlashError


@pytest.mark.parametrize(
    ("location", "found"),
    [
        ("1-1.4:1.0", ("1-1", "4")),
        ("1-4", ("1", "4")),
        ("2-1.3.2:1.1", ("2-1.3", "2")),
        ("", None),
        (None, None),
        ("COM5", None),
    ],
)
def test_hub_and_port(location, found):
    assert power.hub_and_port(location) == found


def uhubctl(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    program = folder / "uhubctl"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    port = types.SimpleNamespace(device="/dev/ttyUSB7", location="1-1.4:1.0")
    monkeypatch.setattr(power.list_ports, "comports", lambda: [port])


def test_uhubctl_gets_hub_and_port(tmp_path, monkeypatch):
    uhubctl(tmp_path, monkeypatch, f'echo "$@" > {tmp_path}/asked')
    cycle, why = power.usb_power("/dev/ttyUSB7")
    assert why == ""
    cycle()
    assert (tmp_path / "asked").read_text().split() == ["-l", "1-1", "-p", "4", "-a", "cycle", "-d", "2"]


def test_uhubctl_that_refuses(tmp_path, monkeypatch):
    uhubctl(tmp_path, monkeypatch, "echo No compatible devices detected >&2; exit 1")
    with pytest.raises(Blocked, match="uhubctl refused: No compatible devices"):
        power.usb_power("/dev/ttyUSB7")[0]()


def test_uhubctl_that_hangs(tmp_path, monkeypatch):
    monkeypatch.setattr(power, "SECONDS", 0.1)
    uhubctl(tmp_path, monkeypatch, "while :; do :; done")
    with pytest.raises(Blocked, match="did not run to its end"):
        power.usb_power("/dev/ttyUSB7")[0]()


@pytest.mark.parametrize("port", ["/dev/ttyS0", "socket://127.0.0.1:4000"])
def test_a_port_that_is_on_no_hub(tmp_path, monkeypatch, port):
    uhubctl(tmp_path, monkeypatch, "exit 0")
    cycle, why = power.usb_power(port)
    assert cycle is None
    assert port in why


def test_no_uhubctl(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert power.usb_power("/dev/ttyUSB7") == (None, "uhubctl is not installed")


class Chip:
    """Stands in for a chip that esptool talks to."""

    BOOTLOADER_FLASH_OFFSET = 0x1000

    def __init__(self) -> None:
        self.done: list[object] = []

    def __enter__(self) -> Chip:
        return self

    def __exit__(self, *exception: object) -> None:
        self.done.append("port closed")


@pytest.fixture
def esptool(monkeypatch: pytest.MonkeyPatch) -> Chip:
    """A module in esptool's place that notes what it is asked to do."""
    chip = Chip()
    module, cmds = types.ModuleType("esptool"), types.ModuleType("esptool.cmds")
    module.FatalError = type("FatalError", (RuntimeError,), {})
    module.cmds = cmds

    def detect(port: str) -> Chip:
        if port == "/dev/ttyGONE":
            raise module.FatalError("Failed to connect: no serial data received")
        print("Connecting....")
        chip.done.append(port)
        return chip

    cmds.detect_chip = detect
    cmds.run_stub = lambda found: found
    cmds.attach_flash = lambda stub: chip.done.append("attached")
    cmds.write_flash = lambda stub, parts, flash_mode, flash_size: chip.done.append(
        [(at, data.read(), flash_mode, flash_size) for at, data in parts]
    )
    cmds.reset_chip = lambda stub, mode: chip.done.append(mode)
    monkeypatch.setitem(sys.modules, "esptool", module)
    monkeypatch.setitem(sys.modules, "esptool.cmds", cmds)
    monkeypatch.setattr(flashing.importlib.util, "find_spec", lambda name: object())
    return chip


def test_the_firmware_goes_where_the_chip_starts(tmp_path, esptool, capsys):
    image = tmp_path / "firmware.bin"
    image.write_bytes(b"\xe9firmware")
    write, why = flashing.reflash("/dev/ttyUSB7", image)
    assert why == ""
    write()
    assert esptool.done == [
        "/dev/ttyUSB7",
        "attached",
        [(0x1000, b"\xe9firmware", "keep", "keep")],
        "hard-reset",
        "port closed",
    ]
    assert capsys.readouterr().out == ""


def test_a_chip_that_does_not_answer(tmp_path, esptool):
    (tmp_path / "firmware.bin").touch()
    write, _ = flashing.reflash("/dev/ttyGONE", tmp_path / "firmware.bin")
    with pytest.raises(FlashError, match="no serial data received"):
        write()


def test_no_firmware():
    assert flashing.reflash("/dev/ttyUSB7", None) == (None, "no --firmware is given")


def test_no_esptool(tmp_path, monkeypatch):
    monkeypatch.setattr(flashing.importlib.util, "find_spec", lambda name: None)
    write, why = flashing.reflash("/dev/ttyUSB7", tmp_path / "firmware.bin")
    assert write is None
    assert "pip install camrig[flash]" in why


def test_the_real_esptool_has_what_is_asked_of_it():
    cmds = pytest.importorskip("esptool.cmds")
    for name in ("detect_chip", "run_stub", "attach_flash", "write_flash", "reset_chip"):
        assert callable(getattr(cmds, name))
