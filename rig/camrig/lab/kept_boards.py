"""The kept virtual boards of this user: found by a run that they fit, started, shown and ended.

Each has a folder below that of the locks, and the lock of the same name. Nothing is done to a folder by a process
that does not hold that lock: who has it either uses the board, or starts, ends or clears it away.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from camrig.errors import BoardBusyError, CamrigError
from camrig.lab import lock
from camrig.settings.resolve import VIRTUAL, Settings
from camrig.virtual import kept
from camrig.virtual.board import VirtualConfig
from camrig.virtual.config import has_own_password
from camrig.virtual.kept import KeptBoard
from camrig.virtual.profiles import NO_COSTS, Costs, find_costs


def board_config(
    settings: Settings,
    costs: Costs = NO_COSTS,
    faults: Sequence[str] = (),
    flash: Path | None = None,
    camera: str = VirtualConfig.camera,
) -> VirtualConfig:
    """The virtual board that ``settings`` ask for. Its radio sees the configured network, else the built-in one."""
    heap = settings.sim_heap.bytes
    config = VirtualConfig(heap=heap, flash=flash, camera=camera, faults=tuple(faults), costs=costs)
    if settings.wifi is None:
        return config
    return replace(config, wifi_ssid=settings.wifi.ssid, wifi_password=settings.wifi.password)


def config_of(spec: str, settings: Settings) -> VirtualConfig:
    """The board that ``sim``, ``sim:PROFILE`` or a name stands for; ``sim:2`` is one more of the usual ones.

    Raises SettingsError for an unknown profile.
    """
    device = settings.board(spec).device
    profile = device.partition(":")[2]
    usual = device == VIRTUAL or (profile.isascii() and profile.isdecimal())
    return board_config(settings.of_board(spec), NO_COSTS if usual else find_costs(profile))


@contextmanager
def kept_for(settings: Settings) -> Iterator[None]:
    """A context in which a board is kept for each virtual device. Those that it started end with it."""
    started = []
    try:
        for spec in filter(settings.is_virtual, settings.device):
            board, is_new = keep(config_of(spec, settings))
            if is_new:
                started.append(board.home)
        yield
    finally:
        for home in started:
            with suppress(CamrigError):  # a run has it
                _clear(home, lock.take(home.name, str(home)))


def take(config: VirtualConfig) -> tuple[KeptBoard, lock.Lock] | None:
    """A kept board that fits, lives, and is now this process's alone; None where there is none.

    Nothing that is wrong with kept boards keeps a run from a fresh one.
    """
    with suppress(CamrigError, OSError):
        for board in _fitting(config):
            with suppress(BoardBusyError):
                taken = lock.take(board.home.name, board.path)
                if board.answers:
                    return board, taken
                _clear(board.home, taken)
    return None


def keep(config: VirtualConfig, seconds: float = kept.UNUSED_SECONDS) -> tuple[KeptBoard, bool]:
    """A kept board that fits, whoever uses it, and whether it had to be started. Raises what prevents that.

    Boards of another version of camrig, and what is left of those that are gone, are cleared away.
    """
    with ExitStack() as stack:
        # Two commands at a time would start two boards.
        stack.callback(lock.take("keep", "the kept virtual board", kept.START_SECONDS).release)
        for home in _homes():
            _living(home, of_today=True)
        for board in _fitting(config):
            return board, False
        home = lock.kept_folder() / f"kept-{secrets.token_hex(4)}"
        home.parent.mkdir(mode=0o700, exist_ok=True)
        home.mkdir(mode=0o700)
        taken = lock.take(home.name, str(home))
        try:
            board = kept.start(home, config, lock.path_of(home.name), seconds)
        except BaseException:
            taken.remove()
            raise
        taken.release()
        return board, True


def listed() -> list[KeptBoard]:
    """The kept boards that live, whoever uses them. What is left of others is cleared away."""
    return [board for home in _homes() if (board := _living(home)) is not None]


def end_all() -> tuple[int, list[str]]:
    """End every kept board that no run uses: how many there were, and a sentence for each that a run uses."""
    ended, busy = 0, []
    for home in _homes():
        try:
            taken = lock.take(home.name, str(home / "board"))
        except BoardBusyError as error:
            busy.append(f"{error.board}: {error.what}, so it was not ended")
            continue
        ended += kept.read(home) is not None
        _clear(home, taken)
    return ended, busy


def _living(home: Path, *, of_today: bool = False) -> KeptBoard | None:
    """The board in ``home``, whoever uses it. One that nobody uses and that is gone, or old, is cleared away."""
    try:
        taken = lock.take(home.name, str(home))
    except BoardBusyError:
        return kept.read(home)
    board = kept.read(home)
    if board is not None and (board.is_current or not of_today) and board.answers:
        taken.release()
        return board
    _clear(home, taken)
    return None


def has_fitting(config: VirtualConfig) -> bool:
    """Whether there is a kept board that fits, in use or not."""
    return next(_fitting(config), None) is not None


def fitting(spec: str, settings: Settings) -> list[KeptBoard]:
    """The kept boards that a run on the virtual device ``spec`` may get."""
    return list(_fitting(config_of(spec, settings)))


def _fitting(config: VirtualConfig) -> Iterator[KeptBoard]:
    boards = [board for home in _homes() if (board := kept.read(home)) is not None]
    if boards:
        made_of = kept.ingredients(config)
        network = (config.wifi_ssid, config.wifi_password) if has_own_password(config) else None
        for board in boards:
            if board.made_of == made_of and network == (None if board.generated else (board.ssid, board.password)):
                yield board


def _clear(home: Path, taken: lock.Lock) -> None:
    kept.end(home)
    taken.remove()


def _homes() -> list[Path]:
    folder = lock.kept_folder()
    with suppress(FileNotFoundError):
        return sorted(folder / name for name in os.listdir(folder))
    return []
