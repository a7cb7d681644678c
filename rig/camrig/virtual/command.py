"""A virtual board in the foreground: what ``camrig sim`` runs."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
from types import FrameType

from camrig.errors import EXIT_BLOCKED
from camrig.virtual.board import VirtualBoard, VirtualConfig


def run_in_foreground(config: VirtualConfig) -> int:
    """Start a board, print how to reach it, and keep it until Ctrl-C or SIGTERM. Returns the exit code.

    That is 0, or EXIT_BLOCKED when the board ends by itself.
    Raises what ``VirtualBoard.start`` raises. Call it from the main thread.
    """
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    handlers = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with VirtualBoard.start(config) as board:
            print(f"virtual board: {board.path}", flush=True)
            print(f"its address:   {board.address} (after it has joined the Wi-Fi)")
            print(f"connect:       mpremote connect {shlex.quote(board.path)} repl")
            print(f"its Wi-Fi:     {config.wifi_ssid!r}, password {_password(config)}")
            print(f"rig:           {_variables(config)}pytest --device {shlex.quote(board.path)}")
            if config.faults:
                print(f"its faults:    {' '.join(config.faults)}")
            print("Ctrl-C ends it.", flush=True)
            while not stop.wait(1.0) and board.alive:
                pass
            if stop.is_set():
                return 0
            print(f"camrig: {board.path}: the virtual board has ended by itself. Start a new one.", file=sys.stderr)
            return EXIT_BLOCKED
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _has_own_password(config: VirtualConfig) -> bool:
    """Whether the password was configured: the built-in one is not a secret."""
    return config.wifi_password != VirtualConfig.wifi_password


def _password(config: VirtualConfig) -> str:
    return "as configured" if _has_own_password(config) else repr(config.wifi_password)


def _variables(config: VirtualConfig) -> str:
    """The variables that a command needs to join the board's network, unless the user has set a password already."""
    if _has_own_password(config):
        return ""
    ssid, password = shlex.quote(config.wifi_ssid), shlex.quote(config.wifi_password)
    return f"CAMRIG_WIFI_SSID={ssid} CAMRIG_WIFI_PASSWORD={password} "
