"""The faults of a virtual board, and the words that name them. Pure: text in, values out.

    FAULT  = NAME[@AMOUNT][@MOMENT]      garble@0.01    power-cut@1234    guru@ready+0.5    enobufs@3@request*2
    MOMENT = EVENT[*COUNT][+SECONDS]     now+2          exec*3            boot*all

An amount begins with a digit, a moment with a letter. ``*COUNT`` waits for the event that many times, counted from
when the fault is injected; ``*all`` strikes at every one. ``+SECONDS`` strikes that much later, whatever happens in
between. ``ready`` and ``joined`` are states too: if they hold already, the fault strikes at once.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from camrig.errors import SettingsError

EVENTS = {
    "now": "when the fault is injected",
    "boot": "MicroPython starts, boot.py comes next (a soft reset counts)",
    "exec": "a client starts a program in the raw REPL",
    "joined": "the board is on the Wi-Fi",
    "ready": "the application listens",
    "request": "the application accepts a connection",
}
NOW = "now"
UNTIL_CLEARED = "until cleared"
UNTIL_HARD_RESET = "until a hard reset"
UNTIL_ANY_RESET = "until any reset"
ONCE = "once"

_NUMBER = re.compile(r"[0-9]{1,10}(\.[0-9]{1,9})?|0x[0-9a-f]{1,8}")
_MOMENT = re.compile(
    r"(?P<event>[a-z-]+)(\*(?P<count>all|[1-9][0-9]{0,5}))?(\+(?P<seconds>[0-9]{1,4}(\.[0-9]{1,6})?))?"
)
_HELP = "camrig sim --fault help lists them"


@dataclass(frozen=True)
class Amount:
    """What a fault's number means. It is from ``low`` to ``high``, and an integer if ``whole``."""

    name: str
    default: float
    low: float
    high: float
    whole: bool = True


@dataclass(frozen=True)
class FaultKind:
    """One kind of fault: its name, its effect, how long it lasts, its number, and its moment unless one is named."""

    name: str
    effect: str
    lasts: str
    amount: Amount | None = None
    event: str = NOW


_SHARE = Amount("SHARE", 0.01, 1e-9, 1, whole=False)
_LATE = Amount("MS", 100, 1, 10000)
_AWAY = Amount("SECONDS", 0, 0, 3600, whole=False)

KINDS = (
    FaultKind("garble", "a bit is flipped in this share of the bytes, both ways", UNTIL_CLEARED, _SHARE),
    FaultKind("lose", "this share of the bytes is lost, both ways", UNTIL_CLEARED, _SHARE),
    FaultKind(
        "baud",
        "the line carries no more than BAUD / 10 bytes a second each way",
        UNTIL_CLEARED,
        Amount("BAUD", 115200, 300, 4e6),
    ),
    FaultKind(
        "flood",
        "a driver's log lines flood the console, BYTES a second",
        UNTIL_HARD_RESET,
        Amount("BYTES", 10000, 100, 1e6),
    ),
    FaultKind("port-lost", "the USB adapter is gone for SECONDS (0: until cleared)", UNTIL_CLEARED, _AWAY, "ready"),
    FaultKind("power-fail", "power fails, and returns", ONCE, None, "ready"),
    FaultKind("hub-lies", "who switches the power off and on is obeyed, but the board keeps it", UNTIL_CLEARED),
    FaultKind("reset", "the chip restarts and prints no reason", ONCE, None, "exec"),
    FaultKind("guru", "the firmware panics: Guru Meditation", ONCE, None, "ready"),
    FaultKind("brownout", "the brownout detector restarts the chip", ONCE, None, "ready"),
    FaultKind("task-wdt", "the task watchdog restarts the chip", ONCE, None, "ready"),
    FaultKind("int-wdt", "the interrupt watchdog restarts the chip", ONCE, None, "ready"),
    FaultKind("silent", "the chip hangs: it prints, reads and serves nothing", UNTIL_HARD_RESET),
    FaultKind("boot-loader", "the chip waits for a download in its boot loader", UNTIL_HARD_RESET),
    FaultKind("ignore-ctrl-c", "the running code does not react to Ctrl-C", UNTIL_HARD_RESET, None, "ready"),
    FaultKind(
        "power-cut",
        "power fails in the flash write that passes byte BYTES, and returns",
        ONCE,
        Amount("BYTES", 0, 0, 1e9),
    ),
    FaultKind(
        "flash-full",
        "a file leaves BYTES of the filesystem free, from the next start on",
        UNTIL_CLEARED,
        Amount("BYTES", 4096, 0, 1e9),
    ),
    FaultKind(
        "heap-exhausted",
        "BYTES of MicroPython's heap are left from the next connection on",
        UNTIL_ANY_RESET,
        Amount("BYTES", 4096, 1024, 1e9),
        "ready",
    ),
    FaultKind(
        "enobufs",
        "CALLS sends fail with ENOBUFS, on connections accepted from now on",
        UNTIL_ANY_RESET,
        Amount("CALLS", 1, 1, 1e6),
        "ready",
    ),
    FaultKind(
        "camera-error",
        "the camera's driver fails with CODE, such as 0x105",
        UNTIL_CLEARED,
        Amount("CODE", 0x105, 1, 0xFFFFFFFF),
    ),
    FaultKind("server-hang", "the server stops inside the next connection", UNTIL_ANY_RESET, None, "ready"),
    FaultKind(
        "wifi-refused",
        "the access point refuses, with this STATUS of the driver",
        UNTIL_CLEARED,
        Amount("STATUS", 203, 1, 999),
    ),
    FaultKind(
        "wifi-slow", "joining takes SECONDS longer", UNTIL_CLEARED, Amount("SECONDS", 5, 0.001, 3600, whole=False)
    ),
    FaultKind("wifi-lost", "the access point is gone for SECONDS (0: until cleared)", UNTIL_CLEARED, _AWAY, "ready"),
    FaultKind(
        "weak-signal",
        "the board receives its access point with -DBM",
        UNTIL_CLEARED,
        Amount("DBM", 90, 1, 120),
    ),
    FaultKind(
        "new-address", "the board gets another address, known from its next start on", UNTIL_ANY_RESET, None, "ready"
    ),
    FaultKind(
        "port-closed",
        "the server's port closes each connection for SECONDS (0: until cleared)",
        UNTIL_CLEARED,
        _AWAY,
        "ready",
    ),
    FaultKind("net-reset", "this share of the connections is reset", UNTIL_CLEARED, _SHARE),
    FaultKind("net-drop", "this share of the connections gets no answer", UNTIL_CLEARED, _SHARE),
    FaultKind(
        "net-lose", "this share of the connections loses a packet, which comes a second later", UNTIL_CLEARED, _SHARE
    ),
    FaultKind("net-delay", "each connection is served MS later", UNTIL_CLEARED, _LATE),
    FaultKind(
        "net-jitter", "each connection is served up to MS later, as with a radio that sleeps", UNTIL_CLEARED, _LATE
    ),
    FaultKind("camera-frozen", "the camera gives the same picture again and again", UNTIL_CLEARED),
    FaultKind(
        "camera-stale",
        "the camera gives pictures that waited in BUFFERS since earlier requests",
        UNTIL_CLEARED,
        Amount("BUFFERS", 1, 1, 8),
    ),
    FaultKind("camera-cut", "this share of the pictures ends in the middle", UNTIL_CLEARED, _SHARE),
    FaultKind("camera-late", "one picture in ten comes MS later", UNTIL_CLEARED, Amount("MS", 500, 1, 10000)),
)
BY_NAME = {kind.name: kind for kind in KINDS}


@dataclass(frozen=True)
class Moment:
    """``seconds`` after the ``count``-th ``event``; a count of 0 means every event."""

    event: str = NOW
    count: int = 1
    seconds: float = 0.0

    def __str__(self) -> str:
        times = "*all" if self.count == 0 else f"*{self.count}" if self.count > 1 else ""
        return f"{self.event}{times}" + (f"+{self.seconds:g}" if self.seconds else "")


@dataclass(frozen=True)
class Fault:
    """One fault. ``amount`` is 0 for a kind without a number."""

    name: str
    amount: float
    moment: Moment

    @property
    def kind(self) -> FaultKind:
        return BY_NAME[self.name]

    def __str__(self) -> str:
        amount = f"@{self.amount:.10g}" if self.kind.amount else ""
        return f"{self.name}{amount}@{self.moment}"


def parse(text: str) -> Fault:
    """The fault that ``text`` names. Raises SettingsError, with close matches of a typo."""
    name, *parts = text.strip().split("@")
    kind = BY_NAME.get(name)
    if kind is None:
        raise SettingsError(f"the virtual board has no fault {name!r}", hint=_suggestion(name, BY_NAME) or _HELP)
    amount, moment = kind.amount.default if kind.amount else 0, Moment(kind.event)
    if parts and not parts[0][:1].isalpha():
        amount = _amount(text, kind, parts.pop(0))
    if parts:
        moment = _moment(text, parts.pop(0))
    if parts:
        raise SettingsError(f"the fault {text!r} has too many parts", hint=f"write {usage(kind)}")
    return Fault(name, amount, moment)


def _amount(text: str, kind: FaultKind, part: str) -> float:
    limits = kind.amount
    if limits is None:
        raise SettingsError(f"the fault {text!r} takes no number", hint=f"write {usage(kind)}")
    if not _NUMBER.fullmatch(part) or (limits.whole and "." in part):
        form = "a whole number" if limits.whole else "a number"
        raise SettingsError(f"the {limits.name} of the fault {text!r} is not {form}", hint=f"write {usage(kind)}")
    amount = float(int(part, 16) if part.startswith("0x") else part)
    if not limits.low <= amount <= limits.high:
        raise SettingsError(
            f"the {limits.name} of the fault {text!r} is out of range",
            hint=f"use {limits.low:g} to {limits.high:.0f}",
        )
    return amount


def _moment(text: str, part: str) -> Moment:
    match = _MOMENT.fullmatch(part)
    if match is None:
        raise SettingsError(
            f"the moment {part!r} of the fault {text!r} is not understood",
            hint="write EVENT[*COUNT][+SECONDS], such as ready+0.5, exec*3 or boot*all",
        )
    if match["event"] not in EVENTS:
        raise SettingsError(
            f"the fault {text!r} waits for an unknown event {match['event']!r}",
            hint=_suggestion(match["event"], EVENTS) or "events are " + ", ".join(EVENTS),
        )
    count = {None: 1, "all": 0}.get(match["count"]) if match["count"] in (None, "all") else int(match["count"])
    assert count is not None
    if match["event"] == NOW and count != 1:
        raise SettingsError(
            f"the fault {text!r} counts the event now, which happens once", hint="count another event, such as boot*2"
        )
    return Moment(match["event"], count, float(match["seconds"] or 0))


def _suggestion(word: str, known: dict[str, FaultKind] | dict[str, str]) -> str:
    close = difflib.get_close_matches(word, known, n=3)
    return f"similar: {', '.join(close)}" if close else ""


def usage(kind: FaultKind) -> str:
    """How a fault of this kind is written."""
    return kind.name + (f"[@{kind.amount.name}]" if kind.amount else "") + "[@MOMENT]"


def catalogue() -> str:
    """All faults and moments, as text for the terminal."""
    lines = ["A fault is NAME[@AMOUNT][@MOMENT]; the values shown are the defaults.", ""]
    for kind in KINDS:
        default = f"{kind.amount.name}={kind.amount.default:g}" if kind.amount else ""
        lines.append(f"  {kind.name:<15}{default:<14} @{kind.event:<7} {kind.effect}; {kind.lasts}")
    lines += ["", "A moment is EVENT[*COUNT][+SECONDS]; *all means every time.", ""]
    lines += [f"  {event:<15}{meaning}" for event, meaning in EVENTS.items()]
    lines += ["", "For example: garble@0.01   power-cut@1234   guru@ready+0.5   brownout@joined*all   reset@exec*3"]
    return "\n".join(lines)
