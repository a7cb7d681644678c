"""What an ESP32's panic handler prints. The addresses are invented; the format is that of ESP-IDF 5 on Xtensa.

An exception comes with a description, an interrupt watchdog does not. Each line of registers ends in two blanks.
"""

from __future__ import annotations

LOAD_PROHIBITED = 0x1C
LEVEL_1_INTERRUPT = 0x05
_ELF = "ELF file SHA256: 3f1d7a60c2b94e58"
_REGISTERS = ("PC", "PS", *(f"A{n}" for n in range(16)), "SAR", "EXCCAUSE", "EXCVADDR", "LBEG", "LEND", "LCOUNT")
_CODE = (0x400E14EA, 0x400D0802, 0x400E2B39, 0x400DF5B5, 0x4008F2C6)
_STACK = 0x3FFCEC50


def registers(core: int, cause: int) -> list[str]:
    """The register dump of one core."""
    values = dict.fromkeys(_REGISTERS, 0) | {
        "PC": _CODE[0] + 3 + core,
        "PS": 0x00060130,
        "A0": 0x80000000 | (_CODE[1] & 0x3FFFFFFF),
        "A1": _STACK,
        "A3": 0x3F4187AC,
        "A8": 0x800E14D8,
        "A9": _STACK - 0x20,
        "A12": 0x3FFE7B40,
        "SAR": 0x1A,
        "EXCCAUSE": cause,
        "LBEG": 0x4000C46C,
        "LEND": 0x4000C477,
    }
    cells = [f"{name:<8}: 0x{values[name]:08x}  " for name in _REGISTERS]
    rows = ["".join(cells[at : at + 4]) for at in range(0, len(cells), 4)]
    return [f"Core  {core} register dump:", *rows]


def backtrace() -> list[str]:
    """The line that a debugger decodes: return addresses with their stack pointers."""
    pairs = [f"0x{code:08x}:0x{_STACK + 32 * depth:08x}" for depth, code in enumerate(_CODE)]
    return ["", "", "Backtrace: " + " ".join(pairs)]


def guru(reason: str, core: int, cause: int, description: str = "", both: bool = False) -> str:
    """A whole Guru Meditation, down to ``Rebooting...``; ``both`` dumps the other core as well."""
    lines = ["", f"Guru Meditation Error: Core  {core} panic'ed ({reason}). {description}", ""]
    lines += [*registers(core, cause), *backtrace(), "", ""]
    if both:
        lines += [*registers(1 - core, cause), *backtrace(), "", ""]
    return _dump(lines)


def task_watchdog() -> str:
    """The task watchdog of a board whose MicroPython task did not feed it."""
    log = (
        "Task watchdog got triggered. The following tasks/users did not reset the watchdog in time:",
        " - mp_task (CPU 1)",
        "Tasks currently running:",
        "CPU 0: IDLE0",
        "CPU 1: mp_task",
        "Aborting.",
        "Print CPU 1 backtrace",
    )
    return _dump(["", *(f"E (9307) task_wdt: {line}" for line in log), *backtrace(), "", ""])


def _dump(lines: list[str]) -> str:
    return "\r\n".join([*lines, "", "", _ELF, "", "Rebooting...", ""])
