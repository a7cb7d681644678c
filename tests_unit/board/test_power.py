"""The rung of USB power, with a substitute for uhubctl."""

from __future__ import annotations

import types
from pathlib import Path

import pytest
from camrig.board import power
from camrig.errors import BlockedError


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


def test_another_port_of_a_hub_is_switched_where_the_bench_says_so(tmp_path, monkeypatch):
    uhubctl(tmp_path, monkeypatch, f'echo "$@" > {tmp_path}/arguments')
    cycle, _ = power.usb_power("/dev/ttyUSB7", "2-1.3")
    assert cycle is not None
    cycle()
    assert (tmp_path / "arguments").read_text().split()[:4] == ["-l", "2-1", "-p", "3"]


def test_a_command_of_the_bench_switches_power(tmp_path):
    relay = tmp_path / "relay"
    relay.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/words\n[ "$1" = cycle ] || {{ echo no such port; exit 1; }}\n'
    )
    relay.chmod(0o755)
    power.command_power((str(relay), "cycle", "a b"), "see the bench file")()
    assert (tmp_path / "words").read_text() == "cycle a b\n"
    with pytest.raises(BlockedError, match="relay failed: no such port"):
        power.command_power((str(relay), "of"), "see the bench file")()
    with pytest.raises(BlockedError, match="missing did not finish"):
        power.command_power((str(tmp_path / "missing"),), "see the bench file")()
