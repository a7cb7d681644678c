"""The faults that a virtual board can be given, and the words that name them. Pure: text in, values out.

    FAULT  = NAME[@AMOUNT][@MOMENT]      garble@0.01    power-cut@1234    guru@ready+0.5    enobufs@3@request*2
    MOMENT = EVENT[*COUNT][+SECONDS]     now+2          exec*3            boot*all

An amount begins with a digit, a moment with a letter. ``*COUNT`` waits for the event that many times, counted from
when the fault was given; ``*all`` strikes at every one. ``+SECONDS`` strikes that much later, whatever happens in
between. ``ready`` and ``joined`` are states too: where they hold already, the fault strikes at once.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from camrig.errors import SettingsError

EVENTS = {
    "now": "when the fault is given",
    "boot": "MicroPython starts, boot.py comes next (a soft reset counts)",
    "exec": "a client starts a program in the raw REPL",
    "joined": "the board is on the Wi-Fi",
    "ready": "the application listens",
    "request": "the application takes a connection",
}
NOW = "now"
CLEAR, HARD, SOFT, ONCE = "until cleared", "until a hard reset", "until any reset", "once"

_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_MOMENT = re.compile(
    r"(?P<event>[a-z-]+)(\*(?P<count>all|[1-9][0-9]{0,5}))?(\+(?P<seconds>[0-9]{1,4}(\.[0-9]{1,6})?))?"
)
_HELP = "camrig sim --fault help lists what it knows"


@dataclass(frozen=True)
class Amount:
    """What a fault's number means. ``whole`` numbers only, or any; within ``low`` to ``high``."""

    name: str
    default: float
    low: float
    high: float
    whole: bool = True


@dataclass(frozen=True)
class Kind:
    """One sort of fault: its name, what it does, how long it lasts, its number, and when it strikes by itself."""

    name: str
    does: str
    lasts: str
    amount: Amount | None = None
    event: str = NOW


_SHARE = Amount("SHARE", 0.01, 1e-9, 1, whole=False)
_AWAY = Amount("SECONDS", 0, 0, 3600, whole=False)

KINDS = (
    Kind("garble", "a bit is flipped in this share of the bytes, both ways", CLEAR, _SHARE),
    Kind("lose", "this share of the bytes is lost, both ways", CLEAR, _SHARE),
    Kind(
        "baud",
        "the line carries no more than BAUD / 10 bytes a second each way",
        CLEAR,
        Amount("BAUD", 115200, 300, 4e6),
    ),
    Kind("flood", "a driver's log lines flood the console, BYTES a second", HARD, Amount("BYTES", 10000, 100, 1e6)),
    Kind("port-lost", "the USB adapter is gone, for SECONDS or (0) until cleared", CLEAR, _AWAY, "ready"),
    Kind("reset", "the chip restarts without a word", ONCE, None, "exec"),
    Kind("guru", "the firmware panics: Guru Meditation", ONCE, None, "ready"),
    Kind("brownout", "the brownout detector restarts the chip", ONCE, None, "ready"),
    Kind("task-wdt", "the task watchdog restarts the chip", ONCE, None, "ready"),
    Kind("int-wdt", "the interrupt watchdog restarts the chip", ONCE, None, "ready"),
    Kind("silent", "the chip hangs: nothing is said, heard or served", HARD),
    Kind("boot-loader", "the chip waits for a download in its boot loader", HARD),
    Kind("ignore-ctrl-c", "what runs takes no notice of Ctrl-C", HARD, None, "ready"),
    Kind(
        "power-cut",
        "power fails in the flash write that passes byte BYTES, and comes back",
        ONCE,
        Amount("BYTES", 0, 0, 1e9),
    ),
    Kind(
        "flash-full",
        "a file leaves BYTES of the filesystem free; seen from the next start",
        CLEAR,
        Amount("BYTES", 4096, 0, 1e9),
    ),
    Kind(
        "heap-exhausted",
        "BYTES of MicroPython's heap are left from the next connection on",
        SOFT,
        Amount("BYTES", 4096, 1024, 1e9),
        "ready",
    ),
    Kind(
        "enobufs",
        "CALLS sends fail with ENOBUFS, on connections taken from now on",
        SOFT,
        Amount("CALLS", 1, 1, 1e6),
        "ready",
    ),
    Kind("server-hang", "the server stops inside the next connection", SOFT, None, "ready"),
    Kind(
        "wifi-refused",
        "the access point refuses, with this STATUS of the driver",
        CLEAR,
        Amount("STATUS", 203, 1, 999),
    ),
    Kind("wifi-slow", "joining takes SECONDS", CLEAR, Amount("SECONDS", 5, 0.001, 3600, whole=False)),
    Kind("wifi-lost", "the access point is gone, for SECONDS or (0) until cleared", CLEAR, _AWAY, "ready"),
)
BY_NAME = {kind.name: kind for kind in KINDS}


@dataclass(frozen=True)
class Moment:
    """``seconds`` after the ``count``-th ``event``; a count of 0 means every one."""

    event: str = NOW
    count: int = 1
    seconds: float = 0.0

    def __str__(self) -> str:
        times = "*all" if self.count == 0 else f"*{self.count}" if self.count > 1 else ""
        return f"{self.event}{times}" + (f"+{self.seconds:g}" if self.seconds else "")


@dataclass(frozen=True)
class Fault:
    """One fault. ``amount`` is 0 for a kind that takes none."""

    name: str
    amount: float
    moment: Moment

    @property
    def kind(self) -> Kind:
        return BY_NAME[self.name]

    def __str__(self) -> str:
        amount = f"@{self.amount:.9g}" if self.kind.amount else ""
        return f"{self.name}{amount}@{self.moment}"


def parse(text: str) -> Fault:
    """The fault that ``text`` names. Raises SettingsError, naming near matches of a typo."""
    name, *parts = text.strip().split("@")
    kind = BY_NAME.get(name)
    if kind is None:
        raise SettingsError(f"the virtual board knows no fault {name!r}", hint=_near(name, BY_NAME) or _HELP)
    amount, moment = kind.amount.default if kind.amount else 0, Moment(kind.event)
    if parts and not parts[0][:1].isalpha():
        amount = _amount(text, kind, parts.pop(0))
    if parts:
        moment = _moment(text, parts.pop(0))
    if parts:
        raise SettingsError(f"the fault {text!r} says too much", hint=f"write {usage(kind)}")
    return Fault(name, amount, moment)


def _amount(text: str, kind: Kind, part: str) -> float:
    known = kind.amount
    if known is None:
        raise SettingsError(f"the fault {text!r} takes no number", hint=f"write {usage(kind)}")
    if not _NUMBER.fullmatch(part) or (known.whole and "." in part):
        wanted = "a whole number" if known.whole else "a number"
        raise SettingsError(f"the {known.name} of the fault {text!r} is not {wanted}", hint=f"write {usage(kind)}")
    amount = float(part)
    if not known.low <= amount <= known.high:
        raise SettingsError(
            f"the {known.name} of the fault {text!r} is out of range", hint=f"use {known.low:g} to {known.high:.0f}"
        )
    return amount


def _moment(text: str, part: str) -> Moment:
    form = _MOMENT.fullmatch(part)
    if form is None:
        raise SettingsError(
            f"the moment {part!r} of the fault {text!r} is not understood",
            hint="write EVENT[*COUNT][+SECONDS], such as ready+0.5, exec*3 or boot*all",
        )
    if form["event"] not in EVENTS:
        raise SettingsError(
            f"the fault {text!r} waits for an unknown event {form['event']!r}",
            hint=_near(form["event"], EVENTS) or "events are " + ", ".join(EVENTS),
        )
    count = {None: 1, "all": 0}.get(form["count"]) if form["count"] in (None, "all") else int(form["count"])
    assert count is not None
    if form["event"] == NOW and count != 1:
        raise SettingsError(
            f"the fault {text!r} waits for more than one now", hint="count another event, such as boot*2"
        )
    return Moment(form["event"], count, float(form["seconds"] or 0))


def _near(word: str, known: dict[str, Kind] | dict[str, str]) -> str:
    close = difflib.get_close_matches(word, known, n=3)
    return f"perhaps {' or '.join(close)} was meant" if close else ""


def usage(kind: Kind) -> str:
    """How a fault of this kind is written."""
    return kind.name + (f"[@{kind.amount.name}]" if kind.amount else "") + "[@MOMENT]"


def catalogue() -> str:
    """All faults and moments, for a person to read."""
    lines = ["A fault is NAME[@AMOUNT][@MOMENT]; what is left out is as shown.", ""]
    for kind in KINDS:
        default = f"{kind.amount.name}={kind.amount.default:g}" if kind.amount else ""
        lines.append(f"  {kind.name:<15}{default:<14} @{kind.event:<7} {kind.does}; {kind.lasts}")
    lines += ["", "A moment is EVENT[*COUNT][+SECONDS]; *all means every time.", ""]
    lines += [f"  {event:<15}{meaning}" for event, meaning in EVENTS.items()]
    lines += ["", "For example: garble@0.01   power-cut@1234   guru@ready+0.5   brownout@joined*all   reset@exec*3"]
    return "\n".join(lines)
