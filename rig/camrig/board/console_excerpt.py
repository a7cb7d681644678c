"""What of a console's text belongs beside an error: the lines since the last boot, without what every boot prints.

The traffic of the raw REPL is the rig's own. The lines of the ROM and the boot loader say nothing, unless the board
crashed or restarted by itself: then the cause of the reset is the sign, and a crash is shown from its first line.
"""

from __future__ import annotations

import re

DUMP_LINES = 120  # between a crash and the boot that follows it
_BOOT = re.compile(r"rst:0x[0-9a-f]+ \(|MPY: soft reboot\s*$")
_CRASH = re.compile(
    r"Guru Meditation Error|abort\(\) was called|assert failed:|A stack overflow in task|CORRUPT HEAP|"
    r"Brownout detector was|Task watchdog got triggered"
)
_RESET_CAUSE = re.compile(r"rst:0x[0-9a-f]+ \(")
_ROM = re.compile(
    r"\W*(?:ets [A-Z][a-z]{2} +\d|ESP-ROM:|Build:|Saved PC:|SPIWP:|configsip:|clk_drv:|mode:[A-Z]+, clock|load:0x|"
    r"entry 0x|ho \d+ tail \d+ room|csum \d|[EIWD] \(\d+\) (?:boot|esp_image|cpu_start|heap_init|spi_flash|"
    r"qio_mode|efuse_init|app_init|main_task|\w*psram)[\w.]*:)"
)
_RAW_PROMPT = re.compile(
    r"^(?:[\x00-\x08\x0e-\x1f\x7f]|>(?!>)|>>> ?|OK(?=[\x00-\x08\x0e-\x1f]|[0-9a-f]{8}$|MPY: |$))+"
)
_RAW_TRAFFIC = re.compile(r"^(?:raw REPL; CTRL-B to exit|[0-9a-f]{8}|R|MPY: soft reboot)?\s*$")


def excerpt(text: str, count: int) -> str:
    """At most the last ``count`` of the lines of ``text`` that matter."""
    lines = text.split("\n")
    boots = [number for number, line in enumerate(lines) if _BOOT.search(line)]
    crashes = [number for number, line in enumerate(lines) if _CRASH.search(line)]
    start = boots[-1] if boots else 0
    crashed = bool(crashes) and crashes[-1] > start - DUMP_LINES
    start = min(start, crashes[-1]) if crashed else start
    signs = crashed or sum(bool(_RESET_CAUSE.search(line)) for line in lines) > 1  # one reset is the rig's own
    kept = [_cleaned(line) for line in lines[start:] if _matters(line, signs)]
    return "\n".join([line for line in kept if not _RAW_TRAFFIC.match(line)][-count:])


def _matters(line: str, signs: bool) -> bool:
    return signs if _RESET_CAUSE.search(line) else not _ROM.match(line)


def _cleaned(line: str) -> str:
    """A line without the prompts and the acknowledgements of the raw REPL before it."""
    return _RAW_PROMPT.sub("", line.rstrip("\r"))


def around_the_sign(text: str, count: int) -> str:
    """The ``count`` lines of ``text`` that matter: from shortly before its last crash or traceback, else the last."""
    lines = text.strip("\n").split("\n")
    signs = [number for number, line in enumerate(lines) if _CRASH.search(line)] or [
        number for number, line in enumerate(lines) if line.startswith("Traceback (most recent call last)")
    ]
    start = max(0, len(lines) - count)
    if signs:
        start = min(start, max(0, signs[-1] - count // 4))
    return "\n".join(lines[start : start + count])
