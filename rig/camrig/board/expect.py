"""A pattern in a console's bytes: where it matches, how far that reaches, and what resembles it. Sans-IO."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from camrig.board.console_parser import ConsoleParser
from camrig.board.events import Crashed, Event, Prompt, ResetCause, Restarted, SoftRebooted
from camrig.redaction import presentable

# What ROM, interpreter and rig print around a restart, before an application prints anything.
_BOOT_LINE = re.compile(
    rb"^[^\w\n]*(?:.*\x04>?(?:OK)?|ets [A-Z][a-z]{2} +\d|rst:0x|configsip: \d|clk_drv:0x|mode:[A-Z]{3,4}, clock div:"
    rb"|load:0x[0-9a-f]{8},len:|ho \d+ tail \d|entry 0x[0-9a-f]{8}|csum|MPY: soft reboot|camrig: reset cause )",
    re.MULTILINE,
)
LIKE = 0.75  # how alike two lines are, from 0 to 1, of which the one is quoted where the other was expected
_DOWN = (Crashed, Restarted, ResetCause, SoftRebooted, Prompt)
_ANCHORS = re.compile(r"^\^|(?<!\\)\$$")
_NOT_TEXT = re.compile(r"\\[AbBdDsSwWZ]|[\\^$.*+?{}\[\]()|]")


def find(pattern: re.Pattern[str], data: bytes) -> tuple[re.Match[str], int, int] | None:
    """The first match in the text of ``data``, and the bytes before and up to the end of it; None without a match.

    In the text every line ends with a line feed alone.
    """
    # A carriage return at the end belongs to a line break that is not whole yet.
    decoded = data.removesuffix(b"\r").decode("utf-8", "surrogateescape")  # which leads back to the same bytes
    match = pattern.search(decoded.replace("\r\n", "\n"))
    if match is None:
        return None
    return match, _bytes_up_to(decoded, match.start()), _bytes_up_to(decoded, match.end())


def _bytes_up_to(decoded: str, position: int) -> int:
    for line_end in re.finditer("\r\n", decoded):
        if line_end.start() >= position:
            break
        position += 1
    return len(decoded[:position].encode("utf-8", "surrogateescape"))


def bytes_of_boot(data: bytes) -> int:
    """How many of ``data`` were printed at a restart, before the application printed anything."""
    boot_lines = list(_BOOT_LINE.finditer(data))
    if not boot_lines:
        return 0
    if b"\x04" in boot_lines[-1][0]:  # of the raw REPL, behind which a program prints without a line break
        return boot_lines[-1].end()
    line_end = data.find(b"\n", boot_lines[-1].end())
    return line_end + 1 or len(data)


def check_pattern(pattern: re.Pattern[str], name: str) -> None:
    """Raises ValueError, with the name of a pattern, if it matches in any output, whatever was printed."""
    if pattern.search(""):
        raise ValueError(f"{name} matches an empty line, and so any output: name what has to be printed".strip())


def bytes_before_end(data: bytes) -> int:
    """How many of ``data`` the application had printed when the first sign of its end came; all without a sign."""
    parser, before = ConsoleParser(), 0
    for line in data.splitlines(keepends=True):
        if any(is_end(event) for event in parser.feed(line)):
            return before
        before += len(line)
    return before


def is_end(event: Event) -> bool:
    """Whether an application does not go on after ``event``."""
    return isinstance(event, _DOWN)


def near_miss(pattern: str, lines: Iterable[str]) -> str:
    """The last of ``lines`` that ``pattern`` almost matches, and what differs, in words; empty if none does."""
    loose = re.compile(_ANCHORS.sub("", _ANCHORS.sub("", pattern)), re.IGNORECASE)
    words = " ".join(_NOT_TEXT.sub(" ", pattern).split()).casefold()
    for line in reversed([line.strip() for line in lines]):
        if re.search(pattern, line):
            difference = "matches, but no line break follows it"
        elif re.search(pattern, line, re.IGNORECASE):
            difference = "differs in upper and lower case"
        elif loose.search(line):
            difference = "has something before or behind it"
        elif words and difflib.SequenceMatcher(None, words, line.casefold()).ratio() >= LIKE:
            difference = "is similar, and does not match"
        else:
            continue
        return f"{presentable(line)[:120]!r} {difference}"
    return ""
