"""A backtrace is decoded where firmware and toolchain are available; otherwise one line says what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from camrig.board.backtrace import RISCV, XTENSA, decode

ADDRESSES = ("0x400d1231", "0x400d5675")


def elf(folder: Path, machine: int) -> Path:
    path = folder / "micropython.elf"
    path.write_bytes(b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x02\x00" + machine.to_bytes(2, "little") + bytes(32))
    return path


def tool(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text("#!/bin/sh\n" + body)
    path.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        (XTENSA, "xtensa-esp32-elf-addr2line"),
        (XTENSA, "xtensa-esp-elf-addr2line"),
        (XTENSA, "xtensa-esp32s3-elf-addr2line"),
        (RISCV, "riscv32-esp-elf-addr2line"),
    ],
)
def test_each_address_becomes_function_and_line(tmp_path, path, machine, name):
    tool(path, name, 'shift 3\nfor a in "$@"; do echo "$a: mp_hal_delay_ms at mphalport.c:123"; done\n')
    firmware = elf(tmp_path, machine)
    assert decode(ADDRESSES, firmware).splitlines() == [
        "0x400d1231: mp_hal_delay_ms at mphalport.c:123",
        "0x400d5675: mp_hal_delay_ms at mphalport.c:123",
    ]


def test_an_empty_backtrace_is_reported():
    assert decode((), None) == "the board printed no backtrace"


def test_a_missing_elf_option_is_named():
    assert "give the firmware's ELF file with --hil-elf" in decode(ADDRESSES, None)


def test_a_missing_elf_file_is_named(tmp_path):
    assert "gone.elf cannot be read" in decode(ADDRESSES, tmp_path / "gone.elf")


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"not an ELF file at all, but long enough"])
def test_a_file_that_is_not_elf_for_an_esp_is_named(tmp_path, content):
    (tmp_path / "x.elf").write_bytes(content)
    assert "x.elf is not an ELF file for an ESP chip" in decode(ADDRESSES, tmp_path / "x.elf")


def test_a_missing_addr2line_is_named(tmp_path, path):
    text = decode(ADDRESSES, elf(tmp_path, XTENSA))
    assert "xtensa-esp-elf-addr2line is not on the PATH" in text
    assert "\n" not in text
    assert ADDRESSES[0] in text


@pytest.mark.parametrize(
    ("body", "words"),
    [("echo cannot open >&2; exit 1", "failed, cannot open"), ("exit 0", "it printed nothing")],
)
def test_the_last_line_of_a_failing_addr2line_is_shown(tmp_path, path, body, words):
    tool(path, "xtensa-esp32-elf-addr2line", body)
    text = decode(ADDRESSES, elf(tmp_path, XTENSA))
    assert words in text
    assert "\n" not in text


def test_an_addr2line_that_hangs_is_ended(tmp_path, path, monkeypatch):
    monkeypatch.setattr("camrig.board.backtrace.SECONDS", 0.1)
    tool(path, "xtensa-esp32-elf-addr2line", "while :; do :; done")
    assert "did not finish" in decode(ADDRESSES, elf(tmp_path, XTENSA))
