"""The port that a specification names, and the listing of the attached ports."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace

import pytest
from camrig.errors import PortError
from camrig.lab import lock
from camrig.lab.device_spec import find_port
from camrig.lab.listing import as_json, as_table, rows
from camrig.lab.usb_ports import list_usb_ports, lock_key, mac_key
from camrig.settings.resolve import resolve
from camrig.virtual.board import VirtualBoard, VirtualConfig


def usb(device: str, serial: str | None, vid: int | None = 0x10C4, pid: int = 0xEA60) -> SimpleNamespace:
    return SimpleNamespace(device=device, serial_number=serial, vid=vid, pid=pid, product="thing")


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch, tmp_path):
    """The list of attached ports, for a test to fill. The folder of locks is the test's own."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    ports: list[SimpleNamespace] = []
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: ports)
    return ports


@pytest.mark.parametrize("mac", ["00:00:00:00:00:00", "000000000000", "ff:ff:ff:ff:ff:ff", "02:ca:7f:00:00:01"])
def test_a_mac_that_is_not_unique_makes_no_lock_name(mac):
    assert mac_key(mac) == ""


def test_a_unique_mac_makes_a_lock_name():
    assert mac_key("24:6F:28:AA:BB:CC") == "mac-24:6f:28:aa:bb:cc"


def test_auto_takes_the_only_port_and_does_not_choose_among_several(plugged):
    with pytest.raises(PortError, match="no USB serial port is attached"):
        find_port("auto")
    plugged += [usb("/dev/ttyS0", None, vid=None), usb("/dev/ttyUSB0", "A1")]
    assert find_port("auto") == "/dev/ttyUSB0"
    plugged.append(usb("/dev/ttyUSB1", None))
    with pytest.raises(PortError, match=r"auto cannot choose.*ttyUSB0 \(id:A1\), /dev/ttyUSB1"):
        find_port("auto")


def test_a_port_is_found_by_its_usb_serial_number(plugged):
    plugged += [usb("/dev/ttyUSB0", "A1"), usb("/dev/ttyUSB1", "0001"), usb("/dev/ttyUSB2", "0001")]
    assert find_port("id:A1") == "/dev/ttyUSB0"
    with pytest.raises(PortError, match="2 ports have the USB serial number 0001"):
        find_port("id:0001")
    with pytest.raises(PortError, match="no board with USB serial number B7"):
        find_port("id:B7")


@pytest.mark.parametrize("spec", ["rfc2217://lab:4000", "socket://10.0.0.1:23", "COM5", "com12"])
def test_urls_and_windows_ports_are_not_changed(plugged, spec):
    assert find_port(spec) == spec


def test_bridges_have_their_common_names(plugged):
    plugged += [
        usb("/dev/ttyUSB0", None, 0x1A86, 0x7523),
        usb("/dev/ttyACM0", "24:0A", 0x303A, 0x1001),
        usb("/dev/ttyUSB9", "x", 0x1234, 1),
    ]
    assert [(port.bridge, port.native) for port in list_usb_ports()] == [
        ("ESP32 USB-Serial-JTAG", True),
        ("CH340", False),
        ("thing", False),
    ]


def test_no_attached_port_is_listed_as_one_sentence(plugged, tmp_path):
    listing = rows(resolve({}, {}, tmp_path), probe=False)
    assert as_table(listing).startswith("no USB serial port is attached")
    assert json.loads(as_json(listing)) == []


def test_a_listing_names_the_holder_and_does_not_touch_the_board(plugged, tmp_path):
    plugged += [usb("/dev/ttyNOT0", "A1"), usb("/dev/ttyNOT1", None, 0x1A86, 0x7523)]
    with lock.held(lock_key("/dev/ttyNOT0"), "desk") as held:
        held.remember("ESP32", "24:0a:c4:00:01:10", "MicroPython 1.26.0")
        listing = rows(resolve({}, {}, tmp_path), probe=False)
    assert f"(process {os.getpid()}) since" in listing[0].holder
    assert (listing[0].chip, listing[0].mac, listing[1].chip, listing[1].holder) == (
        "ESP32",
        "24:0a:c4:00:01:10",
        "",
        "",
    )
    table = as_table(listing)
    assert "CP210x" in table
    assert "CH340" in table
    assert "process" in table


def test_probing_identifies_the_board_and_restarts_it(plugged, tmp_path):
    with VirtualBoard.start(VirtualConfig()) as board:
        settings = resolve({"device": [board.path]}, {}, tmp_path)
        progress: list[str] = []
        listing = rows(settings, probe=True, progress=progress.append)
        assert len(progress) == 1
        assert (listing[0].chip, listing[0].holder, listing[0].problem) == ("ESP32", "", "")
        assert listing[0].mac.startswith("02:ca:")
        assert listing[0].firmware.startswith("MicroPython")
        assert rows(settings, probe=False)[0].mac == listing[0].mac


def test_a_port_that_cannot_be_probed_has_its_own_line(plugged, tmp_path):
    plugged.append(usb("/dev/ttyNOT0", "A1"))
    listing = rows(resolve({}, {}, tmp_path), probe=True)
    assert "there is no port /dev/ttyNOT0" in as_table(listing)
