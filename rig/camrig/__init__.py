"""camrig: a hardware-in-the-loop test rig for camera boards.

Most tests need only the fixtures ``dut``, ``http``, ``preflight`` and ``measure``. The names here are for annotations
in such tests, and for scripts that drive a board without pytest::

    import os
    from pathlib import Path

    from camrig import Board, resolve_settings

    settings = resolve_settings({"device": "/dev/ttyUSB0"}, os.environ, Path.cwd())
    with Board(settings.device[0], settings) as board:
        board.deploy()
        dut = board.boot()
        print(dut.url, dut.heap())

Every error of the rig is a ``CamrigError``, whose ``exit_code`` is EXIT_FAILED, EXIT_USAGE, EXIT_BLOCKED or
EXIT_INCONCLUSIVE. What can go wrong has a class of its own in ``camrig.errors``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = [
    "EXIT_BLOCKED",
    "EXIT_FAILED",
    "EXIT_INCONCLUSIVE",
    "EXIT_USAGE",
    "Board",
    "CamrigError",
    "Dut",
    "Response",
    "Settings",
    "resolve_settings",
]

if TYPE_CHECKING:
    from camrig.bringup.board import Board
    from camrig.dut import Dut
    from camrig.errors import EXIT_BLOCKED, EXIT_FAILED, EXIT_INCONCLUSIVE, EXIT_USAGE, CamrigError
    from camrig.probe.client import Response
    from camrig.settings.resolve import Settings
    from camrig.settings.resolve import resolve as resolve_settings
else:
    # Imported at their first use: a virtual board starts without site-packages.
    _PLACES = {
        "Board": "camrig.bringup.board",
        "Dut": "camrig.dut",
        "Response": "camrig.probe.client",
        "Settings": "camrig.settings.resolve",
        "resolve_settings": "camrig.settings.resolve:resolve",
    }

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module 'camrig' has no attribute {name!r}")
        from importlib import import_module

        module, _, attribute = _PLACES.get(name, "camrig.errors").partition(":")
        return globals().setdefault(name, getattr(import_module(module), attribute or name))

    def __dir__() -> list[str]:
        return sorted([*globals(), *__all__])
