"""Control lines: profiles are checked when read and played as written, and the probe tells wirings apart."""

from __future__ import annotations

import os
import pty
import tty

import pytest
from camrig.board.control_lines import BoardSerial, has_lines, play, pulse, set_lines
from camrig.board.line_profiles import PROFILES, find_profile, parse_sequence
from camrig.board.port import Line, open_port
from camrig.board.transport import Transport
from camrig.board.wiring_probe import probe_wiring
from camrig.errors import PortError, SettingsError
from camrig.settings.resolve import resolve
from hypothesis import given
from hypothesis import strategies as st


class Chip:
    """A port with an ESP32 behind it, wired in one of the known ways. Prints the ROM's banner when it boots."""

    def __init__(self, wiring: str, io0_grounded: bool = False, baudrate: int = 115200) -> None:
        self.wiring = wiring
        self.io0_grounded = io0_grounded
        self.baudrate = baudrate
        self.levels = {"dtr": False, "rts": False}
        self.out = b""
        self.held = False
        self.boots: list[str] = []

    def set(self, **levels: bool) -> None:
        self.levels.update(levels)
        dtr, rts = self.levels["dtr"], self.levels["rts"]
        reset, low = {
            "transistors": (rts and not dtr, dtr and not rts),
            "direct": (rts, dtr),
            "swapped": (dtr, rts),
            "nothing": (False, False),
        }[self.wiring]
        if self.held and not reset:
            mode = "DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2)" if low or self.io0_grounded else "SPI_FAST_FLASH_BOOT"
            self.boots.append(mode.split("_")[0])
            self.out += f"ets Jul 29 2019\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13 ({mode})\r\n".encode()
        self.held = reset

    dtr = property(lambda self: self.levels["dtr"], lambda self, on: self.set(dtr=on))
    rts = property(lambda self: self.levels["rts"], lambda self, on: self.set(rts=on))
    in_waiting = property(lambda self: len(self.out))

    def read(self, size: int) -> bytes:
        data, self.out = self.out[:size], self.out[size:]
        return data


def run(chip: Chip, sequence) -> None:
    """Play a sequence like a port that sets both lines in one step."""
    for step in sequence:
        chip.set(**{name: level for name in ("dtr", "rts") if (level := getattr(step, name)) is not None})
    chip.set(dtr=False, rts=False)


@pytest.mark.parametrize(
    ("name", "wiring"),
    [("devkit", "transistors"), ("devkit", "direct"), ("esp32-cam-mb", "direct"), ("dtr-reset", "swapped")],
)
def test_a_profile_resets_and_starts_the_boot_loader_on_its_wiring(name, wiring):
    chip = Chip(wiring)
    run(chip, PROFILES[name].reset)
    assert chip.boots == ["SPI"]
    run(chip, PROFILES[name].bootloader)
    assert chip.boots[1:] == ["DOWNLOAD"]
    assert not chip.held


@pytest.mark.parametrize("wiring", ["transistors", "direct", "swapped"])
@pytest.mark.parametrize("name", [name for name in PROFILES if name != "usb-cdc"])
def test_idle_levels_hold_no_chip_in_reset(name, wiring):
    chip = Chip(wiring)
    chip.set(dtr=PROFILES[name].dtr, rts=PROFILES[name].rts)
    assert not chip.held


@pytest.mark.parametrize(
    ("wiring", "fits"),
    [("transistors", "devkit"), ("direct", "esp32-cam-mb"), ("swapped", "dtr-reset"), ("nothing", "none")],
)
def test_the_probe_finds_the_profile_of_a_wiring(wiring, fits):
    chip = Chip(wiring)
    report = probe_wiring(Line(chip, lambda data: None), listen=0.01, sleep=lambda seconds: None)
    assert report.profile == fits
    assert (report.restarts_by_itself, report.in_boot_loader, chip.held) == (False, False, False)
    if chip.boots:
        assert chip.boots[-1] == "SPI"  # not left in its boot loader


def test_the_probe_reports_a_chip_whose_io0_is_grounded():
    report = probe_wiring(Line(Chip("direct", io0_grounded=True), lambda data: None), 0.01, lambda seconds: None)
    assert report.in_boot_loader


def test_a_board_that_restarts_by_itself_is_not_probed():
    class Loop(Chip):
        def read(self, size: int) -> bytes:
            return b"rst:0xf (RTCWDT_BROWN_OUT_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"

    report = probe_wiring(Line(Loop("direct"), lambda data: None), 0.01, lambda seconds: None)
    assert report.restarts_by_itself
    assert report.profile is None


@pytest.mark.parametrize(
    "text", ["rst=1", "rts=2", "rts", "dtr=1,dtr=0", "rts=1,wait=1", "wait=", "wait=99", "dtr=1, rts=0"]
)
def test_a_wrong_step_in_a_sequence_raises_value_error(text):
    with pytest.raises(ValueError):
        parse_sequence(text)


@given(st.text(max_size=30))
def test_any_text_is_a_sequence_or_a_value_error(text):
    try:
        steps = parse_sequence(text)
    except ValueError:
        return
    assert len(steps) == len(text.split())


def test_a_custom_profile_is_read_from_the_file(tmp_path):
    (tmp_path / "camrig.toml").write_text(
        'lines = "mine"\n[wiring.mine]\nidle = "dtr=1"\nreset = "rts=1 wait=0.2 rts=0"\n'
    )
    profile = resolve({}, {}, tmp_path).lines
    assert (profile.name, profile.dtr, profile.rts) == ("mine", True, False)
    assert [(step.dtr, step.rts, step.wait) for step in profile.reset] == [
        (None, True, 0.0),
        (None, None, 0.2),
        (None, False, 0.0),
    ]
    assert resolve({"lines": "usb-cdc"}, {}, tmp_path).lines.dtr
    assert resolve({}, {"CAMRIG_LINES": "none"}, tmp_path).lines.reset == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('lines = "esp32cam"', ["'esp32cam'", "Use esp32-cam-mb"]),
        ('[wiring.a]\nreset = "rts=1 wiat=1"', ["[wiring.a]", "reset", "step 2", "'wiat=1'"]),
        ('[wiring.a]\nidle = "dtr=1 wait=1"', ["[wiring.a]", "idle"]),
        ('[wiring.a]\nreste = ""', ["[wiring.a]", "reste", "reset"]),
        ("[wiring.a]\nreset = 1", ["[wiring.a]", "quotes"]),
        ("[wiring.devkit]\n", ["[wiring.devkit]", "name of its own"]),
        ("wiring = 1", ["wiring in camrig.toml", "[wiring.NAME]"]),
    ],
)
def test_a_mistake_in_a_profile_is_named_before_any_port_opens(tmp_path, text, words):
    (tmp_path / "camrig.toml").write_text(text)
    with pytest.raises(SettingsError) as raised:
        resolve({}, {}, tmp_path)
    for word in words:
        assert word in str(raised.value)


def test_a_profile_that_is_not_a_table_is_refused():
    with pytest.raises(SettingsError, match="not a table"):
        find_profile("devkit", {"a": 1}, "camrig.toml")


@pytest.mark.parametrize(("dtr", "rts"), [(False, False), (True, True)])
def test_lines_are_set_before_the_port_opens_and_in_one_step(monkeypatch, peer, dtr, rts):
    """A local port never sets one line without the other when it opens."""
    calls = []
    monkeypatch.setattr("camrig.board.control_lines._set_both", lambda fd, *levels: calls.append(levels))
    name = "usb-cdc" if dtr else "devkit"
    port = open_port(peer.path, 115200, PROFILES[name])
    try:
        assert isinstance(port, BoardSerial)
        assert calls == [(dtr, rts)]
        set_lines(port, True, False)
        assert calls[1:] == [(True, False)]
        assert (port.dtr, port.rts) == (True, False)
    finally:
        port.close()


def test_a_port_without_control_lines_opens_and_cannot_pulse(peer):
    transport = Transport(peer.path, 115200)
    try:
        assert not has_lines(transport.serial.port)
        assert not transport.pulse()
        assert not pulse(transport.serial.port, PROFILES["esp32-cam-mb"])
    finally:
        transport.close()


def test_a_tcp_socket_has_no_control_lines():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = open_port(f"socket://127.0.0.1:{server.getsockname()[1]}", 115200)
        try:
            assert not pulse(port, PROFILES["devkit"])
        finally:
            port.close()


def test_lines_are_left_idle_when_a_sequence_is_interrupted(monkeypatch):
    chip = Chip("direct")
    monkeypatch.setattr("camrig.board.control_lines.has_lines", lambda port: True)

    def interrupt(seconds: float) -> None:
        if seconds:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play(chip, PROFILES["devkit"].reset, PROFILES["devkit"], sleep=interrupt)
    assert not chip.held
    assert chip.levels == {"dtr": False, "rts": False}


def test_a_port_that_was_unplugged_cannot_be_pulsed():
    near, far = pty.openpty()
    tty.setraw(far)
    port = open_port(os.ttyname(far), 115200)
    os.close(near)
    os.close(far)
    assert not pulse(port, PROFILES["devkit"])
    with pytest.raises(PortError):
        Line(port, lambda data: None).fill()
    port.close()
