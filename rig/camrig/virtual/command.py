"""A virtual board in the foreground: what ``camrig sim`` runs and shows."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
from types import FrameType

from camrig.errors import EXIT_BLOCKED
from camrig.virtual.board import VirtualBoard, VirtualConfig
from camrig.virtual.config import has_own_password


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
            show(config, board.path, board.address, has_own_password(config))
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


def show(config: VirtualConfig, path: str, address: str, secret: bool) -> None:
    """Print how a board is reached. ``secret``: its network's password was configured."""
    print(f"virtual board: {path}", flush=True)
    print(f"its address:   {address} (after it has joined the Wi-Fi)")
    print(f"connect:       mpremote connect {shlex.quote(path)} repl")
    password = "as configured" if secret else repr(config.wifi_password)
    ssid, value = shlex.quote(config.wifi_ssid), shlex.quote(config.wifi_password)
    # A user who has configured a password has set the variables already.
    variables = "" if secret else f"CAMRIG_WIFI_SSID={ssid} CAMRIG_WIFI_PASSWORD={value} "
    print(f"its Wi-Fi:     {config.wifi_ssid!r}, password {password}")
    print(f"rig:           {variables}pytest --device {shlex.quote(path)}")
    if config.faults:
        print(f"its faults:    {' '.join(config.faults)}")
