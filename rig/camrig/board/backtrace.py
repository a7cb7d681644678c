"""Decodes a panic's program counters into functions and lines, with the toolchain's addr2line and the ELF file."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from camrig.redaction import child_environment

SECONDS = 20.0  # addr2line reads about ten megabytes of debug information
XTENSA, RISCV = 94, 243  # e_machine in the ELF header
_TOOLS = {
    XTENSA: (
        "xtensa-esp-elf-addr2line",
        "xtensa-esp32-elf-addr2line",
        "xtensa-esp32s3-elf-addr2line",
        "xtensa-esp32s2-elf-addr2line",
    ),
    RISCV: ("riscv32-esp-elf-addr2line",),
}


def decode(addresses: Sequence[str], elf: Path | None) -> str:
    """One line for each address: function and ``file:line``. If they cannot be decoded, one line that says why."""
    if not addresses:
        return "the board printed no backtrace"
    plain = "backtrace " + " ".join(addresses)
    if elf is None:
        return f"{plain} (not decoded: give the firmware's ELF file with --hil-elf)"
    try:
        machine = _machine(elf)
    except OSError as error:
        return f"{plain} (not decoded: {elf.name} cannot be read, {error.strerror})"
    tools = _TOOLS.get(machine)
    if tools is None:
        return f"{plain} (not decoded: {elf.name} is not an ELF file for an ESP chip)"
    tool = next((path for name in tools if (path := shutil.which(name))), None)
    if tool is None:
        return f"{plain} (not decoded: {tools[0]} is not on the PATH)"
    try:
        process = subprocess.run(
            [tool, "-pfiaC", "-e", str(elf), *addresses],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env=child_environment(),
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as error:
        return f"{plain} (not decoded: {Path(tool).name} did not finish, {type(error).__name__})"
    if process.returncode or not process.stdout.strip():
        output = (process.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        return f"{plain} (not decoded: {Path(tool).name} failed, {output})"
    return process.stdout.rstrip()


def _machine(elf: Path) -> int:
    """The ELF header's ``e_machine``, 0 for a file that is not ELF."""
    with elf.open("rb") as file:
        head = file.read(20)
    if not head.startswith(b"\x7fELF") or len(head) < 20:
        return 0
    return int.from_bytes(head[18:20], "little")
