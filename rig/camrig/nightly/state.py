"""Which night is open: a file beside the results, written before each command, and gone when the night has ended.

One that is there when a night begins belongs to a night that was cut off: its process was killed, or its computer
restarted. Only one process at a time may have a folder of results for its night: see ``taken``.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from camrig.bringup.surroundings import host
from camrig.errors import BlockedError, BoardBusyError, ResultsError
from camrig.lab import lock
from camrig.report.json_report import RunReport, write
from camrig.settings.duration import in_words
from camrig.whole_file import read_whole, write_whole

FILE = "nightly.json"
EXIT_INTERRUPTED = 2
_MOST_BYTES = 1 << 20
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass
class OpenNight:
    """A night at work. ``boot`` tells one start of the computer from the next, empty where that is not known."""

    pid: int
    started: str
    at: str  # when this was written
    stage: str = ""
    host: str = field(default_factory=platform.node)
    boot: str = field(default_factory=lambda: boot_id())
    results: list[str] = field(default_factory=list)


def boot_id() -> str:
    """A word that changes whenever this computer starts; empty where there is none."""
    with suppress(OSError, UnicodeError):
        return _BOOT_ID.read_text(encoding="ascii").strip()
    return ""


def now() -> str:
    """This moment in UTC, ISO 8601."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


@contextmanager
def taken(results: Path, seconds: float, say: Any) -> Iterator[None]:
    """A context in which the night of this folder of results is this process's alone.

    Waits up to ``seconds`` for another one. Raises BlockedError, naming it: its process and since when.
    """
    place = results.resolve()
    key = f"nightly-{hashlib.sha256(str(place).encode()).hexdigest()[:16]}"
    try:
        held = lock.take(key, f"the night of {place}", seconds, say)
    except BoardBusyError:
        holder, _ = lock.inspect(key)
        waited = f", and was for {seconds:g} s" if seconds else ""
        raise BlockedError(
            f"another night is at work in {place}{waited}: {holder or 'its process is not known'}",
            hint="wait for it with --hil-wait SECONDS, end it, or name another folder with --hil-results",
        ) from None
    try:
        yield
    finally:
        held.release()


def save(results: Path, night: OpenNight) -> None:
    """Write the open night. Raises OSError."""
    night.at = now()
    write_whole(results / FILE, json.dumps(asdict(night), indent=1).encode())


def close(results: Path) -> None:
    """The night has ended."""
    with suppress(OSError):
        (results / FILE).unlink(missing_ok=True)


def cut_off(results: Path) -> OpenNight | None:
    """The night that is still open although nobody works at it; None if there is none.

    Raises ResultsError for a file that does not say which night it was.
    """
    try:
        data = json.loads(read_whole(results / FILE, _MOST_BYTES))
        night = OpenNight(**{name: data[name] for name in OpenNight.__dataclass_fields__})
        datetime.datetime.fromisoformat(night.started), datetime.datetime.fromisoformat(night.at)
        night.results = [*map(str, night.results)]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        raise ResultsError(
            f"a night was cut off, and its file {results / FILE} is damaged: when it began is not known",
            hint="runs that it has finished are in the history",
        ) from None
    return night


def close_cut_off(results: Path, night: OpenNight) -> tuple[str, Path | None]:
    """Close a night that was cut off: a sentence, and the results that say so, None if its run has left some itself.

    Raises OSError.
    """
    started, last = (datetime.datetime.fromisoformat(text) for text in (night.started, night.at))
    seconds = max(0.0, (last - started).total_seconds())
    restarted = night.boot and night.boot != boot_id() and night.host == platform.node()
    cause = "this computer restarted" if restarted else f"its process {night.pid} is gone"
    place = f"in '{night.stage}'" if night.stage else "before its first command"
    sentence = f"the night of {night.started} was cut off {place}, {in_words(seconds)} after it began: {cause}"
    path = None
    if not any(Path(name).is_file() for name in night.results):
        report = RunReport(
            camrig=version("camrig"),
            started=night.started,
            seconds=seconds,
            exit_code=EXIT_INTERRUPTED,
            tests={},
            blocked=[f"{sentence[0].upper()}{sentence[1:]}."],
            boards=[],
            interrupted=True,
            correct="Not decided: no test ran.",
            host=host(),
        )
        path = write(report, results)
    close(results)
    return sentence, path
