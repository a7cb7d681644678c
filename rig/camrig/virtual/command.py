"""A virtual board to play with: what ``camrig sim`` runs."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
from types import FrameType

from camrig.errors import EXIT_BLOCKED
from camrig.virtual.board import VirtualBoard, VirtualConfig


def run(config: VirtualConfig) -> int:
    """Start a board, say how to reach it, and keep it until Ctrl-C or SIGTERM. Returns the exit code.

    That is 0, and that of a blocked rig when the board ends by itself.
    Raises what ``VirtualBoard.start`` raises. Call it from the main thread.
    """
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with VirtualBoard.start(config) as board:
            print(f"virtual board: {board.path}", flush=True)
            print(f"its address:   {board.address} (once it has joined the Wi-Fi)")
            print(f"connect:       mpremote connect {board.path} repl")
            print(f"its Wi-Fi:     {config.wifi_ssid!r}, password {_shown(config)}")
            print(f"rig:           {_settings(config)}pytest --device {board.path}")
            if config.faults:
                print(f"its faults:    {' '.join(config.faults)}")
            print("Ctrl-C ends it.", flush=True)
            while not ended.wait(1.0) and board.alive:
                pass
            if ended.is_set():
                return 0
            print(f"camrig: {board.path}: the virtual board has ended by itself. Start a new one.", file=sys.stderr)
            return EXIT_BLOCKED
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _own(config: VirtualConfig) -> bool:
    """Whether the password is somebody's, not the built-in one that is no secret."""
    return config.wifi_password != VirtualConfig.wifi_password


def _shown(config: VirtualConfig) -> str:
    return "as you have set it" if _own(config) else repr(config.wifi_password)


def _settings(config: VirtualConfig) -> str:
    """What has to stand before a command that is to join the board's network; whoever set a password has it there."""
    if _own(config):
        return ""
    ssid, password = shlex.quote(config.wifi_ssid), shlex.quote(config.wifi_password)
    return f"CAMRIG_WIFI_SSID={ssid} CAMRIG_WIFI_PASSWORD={password} "
