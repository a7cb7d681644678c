"""Boards of the bench file on the ports of this computer: found by MAC, all at once, and named in the listing."""

from __future__ import annotations

import datetime
from dataclasses import replace
from types import SimpleNamespace

import pytest
from camrig.bringup.board import Board
from camrig.errors import BlockedError, BoardSilentError, PortError, SettingsError
from camrig.lab import by_mac, lock
from camrig.lab.attached import with_attached
from camrig.lab.device_spec import find_port
from camrig.lab.listing import as_table, rows
from camrig.lab.usb_ports import lock_key
from camrig.settings.bench import BoardEntry
from camrig.settings.known_issues import KnownIssue
from camrig.settings.resolve import Settings, resolve

LEFT, RIGHT, THIRD = "24:6f:28:aa:10:c4", "24:6f:28:aa:10:c5", "24:6f:28:aa:10:c6"


@pytest.fixture
def plugged(monkeypatch, tmp_path):
    """A function that plugs ports in, each with a serial number, or with "" for none."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    ports: list[SimpleNamespace] = []
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: ports)

    def plug(**serials: str) -> None:
        for name, serial in serials.items():
            entry = SimpleNamespace(device=f"/dev/{name}", serial_number=serial, vid=0x10C4, pid=0xEA60, product="x")
            ports.append(entry)

    return plug


def remember(port: str, mac: str) -> None:
    with lock.held(lock_key(port), port) as held:
        held.remember("ESP32", mac, "MicroPython")


@pytest.fixture
def boards(monkeypatch):
    """What is behind each port when it is asked; the ports that were asked, in order."""
    behind: dict[str, str] = {}
    ports_asked: list[str] = []

    def identify_at(port: str, key: str, settings: Settings) -> str:
        ports_asked.append(port)
        if port not in behind:
            raise BoardSilentError("nothing answers")
        remember(port, behind[port])
        return behind[port]

    monkeypatch.setattr(by_mac, "identify_at", identify_at)
    return SimpleNamespace(behind=behind, asked=ports_asked)


def test_a_mac_is_on_the_port_whose_board_reported_it_last(plugged, monkeypatch):
    plugged(u0="A", u1="B", u2="C")
    with pytest.raises(PortError, match=f"the board with the MAC {LEFT} is not here: none of 3 attached boards"):
        find_port(f"mac:{LEFT}")
    times = iter(["2026-11-29 08:00:00", "2026-11-29 09:00:00", "2026-11-29 07:00:00"])
    monkeypatch.setattr(lock, "now", lambda: "")
    for port in ("u0", "u1", "u2"):
        with lock.held(lock_key(f"/dev/{port}"), port) as held:
            monkeypatch.setattr(lock, "now", lambda: next(times))
            held.remember("ESP32", LEFT.upper(), "MicroPython")
            monkeypatch.setattr(lock, "now", lambda: "")
    assert find_port(f"mac:{LEFT}") == "/dev/u1"


def test_a_port_with_a_serial_number_is_not_asked_again(plugged, boards):
    plugged(u0="A", u1="B")
    remember("/dev/u1", LEFT)
    by_mac.search(LEFT, Settings(), print)
    assert boards.asked == []


def test_ports_are_asked_until_the_board_is_found(plugged, boards):
    plugged(u0="A", u1="B", u2="C", u3="D")
    remember("/dev/u0", RIGHT)
    boards.behind |= {"/dev/u0": RIGHT, "/dev/u2": LEFT, "/dev/u3": THIRD}
    lines: list[str] = []
    by_mac.search(LEFT, Settings(), lines.append)
    assert boards.asked == ["/dev/u1", "/dev/u2"]  # one that has reported another MAC comes last
    assert find_port(f"mac:{LEFT}") == "/dev/u2"
    assert "/dev/u1: nothing answers" in lines


def test_boards_whose_ports_have_changed_names_are_found(plugged, boards):
    plugged(u0="", u1="")
    remember("/dev/u0", LEFT)
    remember("/dev/u1", RIGHT)
    boards.behind |= {"/dev/u0": RIGHT, "/dev/u1": LEFT}
    by_mac.search(LEFT, Settings(), print)
    assert find_port(f"mac:{LEFT}") == "/dev/u1"


def test_a_board_that_another_run_holds_is_not_asked(plugged, boards):
    plugged(u0="A")
    with lock.held(lock_key("/dev/u0"), "the other"):
        by_mac.search(LEFT, Settings(), print)
    assert boards.asked == []


def test_another_board_than_the_one_that_was_named_is_one_sentence(tmp_path):
    (tmp_path / "camrig.toml").write_text(f'[board.left]\nmac = "{LEFT}"\n[board.right]\nmac = "{RIGHT}"\n')
    board = Board("left", resolve({"device": ["left"]}, {}, tmp_path))
    board.device = SimpleNamespace(port="/dev/u0")
    for mac, name in ((RIGHT, "right"), (THIRD, THIRD), ("", "one without a MAC")):
        board.identity = SimpleNamespace(mac=mac.upper())
        with pytest.raises(BlockedError) as raised:
            board._check_mac()
        assert str(raised.value).startswith(
            f"left: the board on /dev/u0 is {name}, and not the one with the MAC {LEFT}."
        )
    board.identity = SimpleNamespace(mac=LEFT.upper())
    board._check_mac()


def test_all_without_a_bench_file_is_every_attached_board(plugged):
    settings = Settings(device=("all",))
    assert with_attached(settings) == settings
    with pytest.raises(PortError, match="no USB serial port is attached, so --device all names no board"):
        find_port("all")
    plugged(u0="A", u1="", u2="0001", u3="0001")
    assert with_attached(settings).device == ("id:A", "/dev/u1", "/dev/u2", "/dev/u3")
    mixed = with_attached(replace(settings, device=("sim", "all", "/dev/u0")))
    assert mixed.device == ("sim", "/dev/u1", "/dev/u2", "/dev/u3", "/dev/u0")
    with pytest.raises(SettingsError, match="--hil-url is given 1 times for 4 devices"):
        with_attached(replace(settings, url=("http://localhost",)))


def test_the_listing_names_boards_with_what_is_known_of_them(plugged, tmp_path):
    plugged(u0="A", u1="B")
    remember("/dev/u1", LEFT)
    (tmp_path / "camrig.toml").write_text(
        f'[board.left]\nmac = "{LEFT}"\naccess_point = "ap-2"\nnotes = "wide lens"\n'
        f'[board.right]\nmac = "{RIGHT}"\n[board.v]\ndevice = "sim"\n[board.net]\ndevice = "socket://host:7"\n'
    )
    settings = resolve({}, {}, tmp_path)
    issues = [KnownIssue("test_x", "loose", day) for day in (datetime.date(2020, 1, 1), datetime.date(9999, 1, 1))]
    left = replace(settings.bench["left"], known_issues=tuple(issues))
    settings = replace(settings, bench={**settings.bench, "left": left})
    listing = rows(settings, probe=False)
    names = [(row.name, row.port, row.access_point, row.notes) for row in listing]
    assert names == [
        ("", "/dev/u0", "", ""),
        ("left", "/dev/u1", "ap-2", "wide lens"),
        ("net", "socket://host:7", "", ""),
        ("right", f"mac:{RIGHT}", "", ""),
        ("v", "sim", "", ""),
    ]
    text = as_table(listing)
    assert f"right: the board with the MAC {RIGHT} is not here" in text
    assert "left: known issue: test_x: loose (until 2020-01-01), over" in text
    assert "left: known issue: test_x: loose (until 9999-01-01)\n" in text


@pytest.mark.parametrize("coordinator", ["", "lab:20408"])
def test_a_place_of_the_bench_file_is_listed_by_its_name(plugged, monkeypatch, coordinator):
    places = [("cam-7", "ESP32-CAM", "ann on lab"), ("other", "", "")]
    monkeypatch.setattr("camrig.lab.labgrid.lease.listing", lambda address: places)
    entry = BoardEntry("roof", "labgrid:cam-7", access_point="ap-1")
    listing = rows(Settings(coordinator=coordinator, bench={"roof": entry}), probe=False)
    assert [(row.name, row.port, row.access_point, row.holder) for row in listing] == [
        ("roof", "labgrid:cam-7", "ap-1", "ann on lab"),
        ("", "labgrid:other", "", ""),
    ]
