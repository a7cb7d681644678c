"""A virtual board that is switched on before it is needed, and starts up while this process is busy otherwise."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

from camrig.lab.kept_boards import config_of, has_fitting
from camrig.settings.resolve import Settings
from camrig.virtual.board import StartingBoard, VirtualConfig
from camrig.virtual.config import has_own_password

_early: list[tuple[str, Settings, VirtualConfig, StartingBoard]] = []


def switch_on(settings: Settings) -> Callable[[], None]:
    """Switch on the first device of ``settings`` if it is virtual and none is kept; what ends it if nobody takes it.

    Raises InterpreterMissingError, BlockedError or SettingsError.
    """
    spec = settings.device[0]
    settings = settings.of_board(spec)
    if not settings.is_virtual(spec) or settings.requires("hardware") or has_fitting(config_of(spec, settings)):
        return lambda: None
    config, starting = switched_on(config_of(spec, settings))
    _early.append((spec, settings, config, starting))

    def end() -> None:
        if taken_early(spec, settings) is not None:
            starting.close()

    return end


def switched_on(config: VirtualConfig, *, own_password: bool = True) -> tuple[VirtualConfig, StartingBoard]:
    """A board of ``config`` that starts up, with a password of its own unless one was configured.

    Without an ``own_password`` it keeps the built-in one: those who will use it do not know another.
    """
    if own_password and not has_own_password(config):
        config = replace(config, wifi_password=secrets.token_hex(8))
    return config, StartingBoard(config)


def taken_early(spec: str, settings: Settings) -> tuple[VirtualConfig, StartingBoard] | None:
    """The board that was switched on for ``spec`` of just these ``settings``, once."""
    for index, (known, of, config, starting) in enumerate(_early):
        if known == spec and of is settings:
            del _early[index]
            return config, starting
    return None
