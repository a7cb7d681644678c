"""A virtual board to play with: what ``camrig sim`` runs."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from .board import VirtualBoard, VirtualConfig


def run(config: VirtualConfig) -> int:
    """Start a board, say how to reach it, and keep it until Ctrl-C or SIGTERM. Returns the exit code.

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
            print(f"rig:           pytest --device {board.path}")
            print("Ctrl-C ends it.", flush=True)
            while not ended.wait(1.0) and board.alive:
                pass
        return 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _shown(config: VirtualConfig) -> str:
    """The built-in password is no secret; one that somebody has set may be."""
    own = config.wifi_password != VirtualConfig.wifi_password
    return "as you have set it" if own else repr(config.wifi_password)
