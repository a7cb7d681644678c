"""What the kernel says of a lost port: lines of that device, its socket and its hubs, in each form of the log."""

from __future__ import annotations

import os

import pytest
from camrig.board import usb_log
from camrig.board.usb_log import LINES, UsbLog, UsbPlace, trouble, usb_place
from hypothesis import given
from hypothesis import strategies as st

PLACE = UsbPlace("1-1.4", "ttyUSB0")
OURS = [
    "usb 1-1.4: USB disconnect, device number 7",
    "usb 1-1.4: device descriptor read/64, error -71",
    "usb 1-1.4: device not accepting address 9, error -71",
    "usb 1-1.4: reset full-speed USB device number 7 using xhci_hcd",
    "usb 1-1-port4: disabled by hub (EMI?), re-enabling...",
    "usb 1-1-port4: cannot enable. Maybe the USB cable is bad?",
    "usb 1-1-port4: unable to enumerate USB device",
    "usb 1-1-port4: over-current condition",
    "ch341-uart ttyUSB0: ch341-uart converter now disconnected from ttyUSB0",
    "cp210x ttyUSB0: failed set request 0x12 status: -110",
    "cp210x 1-1.4:1.0: device disconnected",
    "ftdi_sio ttyUSB0: error from flowcontrol urb",
    "usb 1-1: USB disconnect, device number 3",
    "hub 1-1:1.0: hub_ext_port_status failed (err = -71)",
    "usb usb1-port1: over-current change #1",
    "xhci_hcd 0000:00:14.0: HC died; cleaning up",
]
OTHERS = [
    "usb 1-1.4: new full-speed USB device number 9 using xhci_hcd",
    "usb 1-1.4: New USB device found, idVendor=1a86, idProduct=7523, bcdDevice= 2.64",
    "usb 1-1.4: Product: disabled by hub",  # which a device calls itself
    "ch341 1-1.4:1.0: ch341-uart converter detected",
    "usb 1-1.3: USB disconnect, device number 6",
    "usb 1-1.40: USB disconnect, device number 6",
    "usb 1-1.4.1: USB disconnect, device number 6",
    "usb 2-1.4: USB disconnect, device number 6",
    "usb 1-1-port3: cannot enable. Maybe the USB cable is bad?",
    "cp210x ttyUSB10: failed set request 0x12 status: -110",
    "wlan0: authentication with 02:00:00:00:00:00 timed out",
    "EXT4-fs error (device sda1): bad block",
    "",
]
FORMS = [
    lambda text: f"6,1234,5140900,-;{text}",
    lambda text: f"3,1234,5140900,c,caller=T1;{text}",
    lambda text: f"2026-11-29T01:12:09+00:00 bench kernel: {text}",
    lambda text: text,
]


@pytest.mark.parametrize("form", FORMS)
def test_trouble_of_the_device_its_socket_and_its_hubs_is_picked(form):
    for line in OURS:
        assert trouble(map(form, [*OTHERS, line, *OTHERS]), PLACE) == [line]
    assert trouble(map(form, OTHERS), PLACE) == []


def test_the_device_in_a_socket_of_the_computer_itself():
    place = UsbPlace("1-4", "ttyACM0")
    assert trouble(["usb usb1-port4: disabled by hub (EMI?), re-enabling..."], place)
    assert trouble(["cdc_acm 1-4:1.1: failed to set dtr/rts"], place)
    assert not trouble(["usb usb1-port3: cannot enable", "usb 1-4.1: USB disconnect, device number 2"], place)


@given(st.lists(st.sampled_from(OURS + OTHERS) | st.text(), max_size=60))
def test_whatever_the_log_holds_the_lines_are_few_and_short(lines):
    picked = trouble(lines, PLACE)
    assert len(picked) <= LINES
    assert picked[-1:] == [line for line in lines if line in OURS][-1:]
    assert all(len(line) <= 1000 and "\x1b" not in line for line in picked)


def test_the_last_lines_of_many_are_shown():
    lines = [f"usb 1-1.4: device not accepting address {number}, error -71" for number in range(3 * LINES)]
    assert trouble(lines, PLACE) == lines[-LINES:]


def test_a_long_line_of_a_device_is_cut_and_acts_on_no_terminal():
    (line,) = trouble([f"usb 1-1.4: error \x1b[2J{'x' * 5000}"], PLACE)
    assert "\x1b" not in line
    assert len(line) < 1000


@pytest.fixture
def sysfs(tmp_path):
    """A board on port 4 of a hub, as sysfs has it."""
    device = tmp_path / "devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.4/1-1.4:1.0/ttyUSB0"
    device.mkdir(parents=True)
    (tmp_path / "tty" / "ttyUSB0").mkdir(parents=True)
    (tmp_path / "tty" / "ttyUSB0" / "device").symlink_to(device)
    (tmp_path / "tty" / "ttyS0").mkdir()
    (tmp_path / "tty" / "ttyS0" / "device").symlink_to(tmp_path / "devices/pci0000:00/serial8250")
    return tmp_path / "tty"


def test_the_place_of_a_port_is_read_while_it_is_there(sysfs):
    assert usb_place("/dev/ttyUSB0", sysfs) == PLACE
    assert [usb_place(port, sysfs) for port in ("/dev/ttyS0", "/dev/pts/1", "rfc2217://ttyUSB0:1", "COM3")] == [
        None
    ] * 4


def test_only_what_came_since_the_port_was_opened_is_shown(sysfs, tmp_path):
    log = tmp_path / "kmsg"
    log.write_text("6,1,1,-;usb 1-1.4: USB disconnect, device number 5\n")
    usb = UsbLog("/dev/ttyUSB0", log, sysfs)
    assert usb.lines() == []
    with log.open("a") as file:
        file.write("6,2,2,-;usb 1-1.4: USB disconnect, device number 7\n SUBSYSTEM=usb\n")
    assert usb.lines() == ["usb 1-1.4: USB disconnect, device number 7"]
    with log.open("a") as file:
        file.write("3,3,3,-;usb 1-1.4: device descriptor read/64, error -71\n")
    assert len(usb.lines()) == 2  # and what was read before stays


def test_the_journal_stands_in_for_a_log_that_may_not_be_read(sysfs, tmp_path, monkeypatch):
    program = tmp_path / "journalctl"
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {tmp_path}/words\necho '{FORMS[2](OURS[0])}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    usb = UsbLog("/dev/ttyUSB0", tmp_path / "missing", sysfs)
    assert usb.lines() == [OURS[0]]
    words = (tmp_path / "words").read_text()
    assert "--since=@" in words
    assert "-k" in words
    program.write_text("#!/bin/sh\nexit 1\n")
    assert usb.lines() == []
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert usb.lines() == []
    assert not usb_log.may_read_log(tmp_path / "missing")
