"""What the kernel says of the USB device behind a serial port: shown where the port was lost. Linux only.

The device's place on the bus is remembered while the port is there, as is the place in the kernel's log: both are
gone, or long past, when the port is lost. Who may not read the log gets no lines, and no error.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
import weakref
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from camrig.redaction import child_environment, shortened

KMSG, SYSFS = Path("/dev/kmsg"), Path("/sys/class/tty")
LINES = 12  # that are shown, the last ones
BYTES = 1 << 20  # of the log that are looked at
SECONDS = 5.0  # for journalctl
_PLACE = re.compile(r"\d+-\d+(?:\.\d+)*")
_TROUBLE = re.compile(
    r"disconnect|\berrors?\b|over-?current|\breset (?:low|full|high|super)|disabled|\bEMI\b|cannot|unable|fail|died"
    r"|not (?:accepting|responding)|timed? ?out|\burb\b",
    re.IGNORECASE,
)
_NAMES = re.compile(r"(Product|Manufacturer|SerialNumber): ")  # what a device calls itself
_RECORD = re.compile(r"\d+,\d+,\d+,[^;\n]*;(?P<text>.*)")  # of /dev/kmsg
_JOURNAL = re.compile(r"\S+ \S+ kernel: (?P<text>.*)")  # of journalctl -o short-iso
_MESSAGE = re.compile(r"(?P<driver>[A-Za-z][\w-]*) (?P<name>[\w.:-]+): (?P<what>.+)")


@dataclass(frozen=True)
class UsbPlace:
    """Where a serial port is: the ``path`` of its USB device, such as 1-1.4. The kernel's name for it is ``port``."""

    path: str
    port: str

    def names(self) -> tuple[set[str], set[str]]:
        """What the kernel calls the device and its socket, and what it calls the hubs above."""
        hubs = set()
        parent = self.path
        while "." in parent:
            parent = parent.rpartition(".")[0]
            hubs |= {parent, _socket(parent)}
        hubs.add(f"usb{self.path.partition('-')[0]}")
        return {self.path, self.port, _socket(self.path)}, hubs


def _socket(path: str) -> str:
    """The kernel's name of the socket of a hub that the device at ``path`` is in: 1-1-port4, or usb1-port4."""
    if "." in path:
        hub, _, number = path.rpartition(".")
        return f"{hub}-port{number}"
    bus, _, number = path.partition("-")
    return f"usb{bus}-port{number}"


def usb_place(port: str, sysfs: Path = SYSFS) -> UsbPlace | None:
    """Where the serial port is on the USB; None for one that is not, and outside Linux."""
    if "://" in port:
        return None
    name = os.path.basename(os.path.realpath(port))
    device = os.path.realpath(sysfs / name / "device")
    parts = [part for part in Path(device).parts if _PLACE.fullmatch(part)]
    return UsbPlace(parts[-1], name) if parts else None


def trouble(lines: Iterable[str], place: UsbPlace) -> list[str]:
    """The last lines of a kernel's log that say what is wrong with the device at ``place``, its socket or its hubs.

    ``lines`` are those of /dev/kmsg or of journalctl, or bare messages.
    """
    own, hubs = place.names()
    picked: list[str] = []
    for line in lines:
        record = _RECORD.fullmatch(line) or _JOURNAL.fullmatch(line)
        text = record["text"] if record else line
        message = _MESSAGE.fullmatch(text)
        if message is None or not _TROUBLE.search(message["what"]) or _NAMES.match(message["what"]):
            continue
        name = message["name"].partition(":")[0]  # of an interface, without its number
        is_dead = "HC died" in message["what"]
        if is_dead or name in own or name in hubs:
            picked = [*picked, shortened(text)][-LINES:]
    return picked


class UsbLog:
    """The kernel's log from now on, as far as it is about the serial port ``port``."""

    def __init__(self, port: str, kmsg: Path = KMSG, sysfs: Path = SYSFS) -> None:
        self._place = usb_place(port, sysfs)
        self._since = time.time()
        self._kmsg: int | None = None
        if self._place is not None:
            with suppress(OSError):
                self._kmsg = os.open(kmsg, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                weakref.finalize(self, os.close, self._kmsg)
                os.lseek(self._kmsg, 0, os.SEEK_END)
        self._text = ""

    def lines(self) -> list[str]:
        """What went wrong on the USB so far."""
        if self._place is None:
            return []
        if self._kmsg is not None:
            self._text = (self._text + _unread(self._kmsg))[-BYTES:]
            return trouble(self._text.splitlines(), self._place)
        return trouble(_journal(self._since).splitlines(), self._place)


def _unread(kmsg: int) -> str:
    """What the log has that was not read yet; one record a read, and an error for those that were overwritten."""
    data = bytearray()
    for _ in range(BYTES >> 7):
        try:
            record = os.read(kmsg, 8192)
        except BrokenPipeError:
            continue
        except OSError:
            break
        if not record:
            break
        data += record
    return data.decode("utf-8", "replace")


def _journal(since: float) -> str:
    program = shutil.which("journalctl")
    if program is None:
        return ""
    command = [program, "-k", "-q", "--no-pager", "-o", "short-iso", f"--since=@{int(since)}"]
    with suppress(OSError, subprocess.SubprocessError):
        process = subprocess.run(command, capture_output=True, timeout=SECONDS, env=child_environment())
        return process.stdout[-BYTES:].decode("utf-8", "replace")
    return ""


def may_read_log(kmsg: Path = KMSG) -> bool:
    """Whether this user may read the kernel's log in one way or the other."""
    with suppress(OSError):
        os.close(os.open(kmsg, os.O_RDONLY | os.O_NONBLOCK))
        return True
    return bool(_journal(0.0).strip())
