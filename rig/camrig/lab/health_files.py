"""The health of each board in a file beside its lock, of this user only; it outlives the run that wrote it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from camrig.errors import BlockedError, CamrigError, PortError
from camrig.lab import kept_boards, lock
from camrig.lab.device_spec import find_port
from camrig.lab.health import BoardHealth, as_text, parse, short
from camrig.lab.usb_ports import lock_key, mac_key
from camrig.settings.resolve import Settings
from camrig.whole_file import read_whole, write_whole

BYTES = 1 << 18  # of a file, at most
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
SECONDS_FOR_OTHERS = 5.0  # that change files at the same time, each for milliseconds


def read(key: str) -> BoardHealth:
    """What is known of the board whose lock is ``key``; nothing where there is no file, or only a damaged one."""
    return _read(lock.health_path(key))


def change(key: str, act: Callable[[BoardHealth], BoardHealth], name: str = "", mac: str = "") -> BoardHealth:
    """Replace what is known of a board by ``act`` of it, whoever else does that at the same time; the new one.

    ``name`` is what it is called now, and ``mac`` its own. Raises BlockedError where no file can be written.
    """
    with _alone():
        _remove_gone()
        before = read(key)
        health = act(before)
        health = replace(health, name=short(name) or before.name, mac=short(mac) or before.mac)
        path = lock.health_path(key)
        if not health.runs and not health.state:
            with suppress(FileNotFoundError):
                path.unlink()
        else:
            write_whole(path, as_text(health).encode(), private=True)
        return health


def listed() -> list[tuple[str, BoardHealth]]:
    """What is known of each board, by the stem of its file."""
    paths = sorted(lock.folder().glob(f"*{lock.HEALTH}"))
    return [(path.name.removesuffix(lock.HEALTH), _read(path)) for path in paths]


def of_board(port_key: str) -> tuple[str, BoardHealth]:
    """The key and the health of the board at a port, as far as that is known without touching it.

    It is the one that was last identified there. What a run noted before the board was known counts as well.
    """
    record = lock.inspect(port_key)[1]
    keys = [key for key in (mac_key(record.mac) if record and record.mac else "", port_key) if key]
    known = [(key, read(key)) for key in keys]
    return next(((key, health) for key, health in known if health.state), known[0])


def keys_of(spec: str, settings: Settings) -> list[str]:
    """The keys of the boards that ``spec`` names, attached or not. Raises PortError or BlockedError.

    A board that is not attached is known by the name that runs had for it, or by its MAC.
    """
    entry = settings.board(spec)
    if settings.is_virtual(spec):
        if keys := [board.home.name for board in kept_boards.fitting(spec, settings)]:
            return keys
        raise BlockedError(
            "no virtual board is kept, and one that is made for a run is not used again",
            board=spec,
            hint="keep one with camrig sim --keep",
        )
    mac = (entry.mac or entry.device).removeprefix("mac:").lower()
    if _MAC.fullmatch(mac) and (key := mac_key(mac)):
        return [key]
    try:
        port_key = lock_key(find_port(entry.device))
    except PortError:
        if known := [key for key, health in listed() if spec == health.name]:
            return known
        raise
    return list(dict.fromkeys((of_board(port_key)[0], port_key)))


def clear(keys: Sequence[str]) -> list[str]:
    """Clear the marks of the boards with these keys; their states, in words."""
    states = [state for key in dict.fromkeys(keys) if (state := read(key).state)]
    for key in dict.fromkeys(keys):
        if read(key).state:
            change(key, BoardHealth.cleared)
    return states


@contextmanager
def _alone() -> Iterator[None]:
    taken = lock.take("health of boards", "what is known of the boards", SECONDS_FOR_OTHERS)
    try:
        yield
    finally:
        taken.release()


def _remove_gone() -> None:
    """Remove what is known of boards behind pseudo-terminals that are gone: no later board gets their keys."""
    living = set()
    for path in Path("/dev/pts").glob("[0-9]*"):
        with suppress(OSError):
            living.add(f"-{path.stat().st_ctime_ns}")
    for path in lock.folder().glob(f"{lock.TRANSIENT}*{lock.HEALTH}"):
        if not path.name.removesuffix(lock.HEALTH).endswith(tuple(living)):
            path.unlink(missing_ok=True)


def _read(path: Path) -> BoardHealth:
    with suppress(OSError, CamrigError):
        return parse(read_whole(path, BYTES).decode("utf-8", "replace"))
    return BoardHealth()
