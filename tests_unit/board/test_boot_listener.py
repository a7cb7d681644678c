"""What keeps a board from serving is quoted: lines that only resemble the ready line."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from camrig.board.boot_listener import BootListener
from camrig.board.console import Console
from camrig.deadline import Deadline
from camrig.errors import BootError

BANNER = (
    'MicroPython v1.26.0 on 2025-08-09; Generic ESP32 module with ESP32\r\nType "help()" for more information.\r\n'
)
READY = "is not the ready line, serving http://ADDRESS:PORT"


def error_of(text: str) -> str:
    console = Console()
    console.feed((text + BANNER).encode())
    listener = BootListener(SimpleNamespace(console=console), "lab")
    with pytest.raises(BootError) as raised:
        listener.wait(0, Deadline.after(1))
    return str(raised.value)


@pytest.mark.parametrize("line", [
    "Serving http://192.168.1.7:80",
    "serving http://192.168.1.7:80/index.html",
    "serving https://192.168.1.7",
    "serving http://[fe80::1]:80",
    "camrig: serving 192.168.1.7:8080",
    "serving  http://192.168.1.7 ...",
    "Starting async server on 0.0.0.0:5000...",
    "Listening on port 80",
    "web server started on 192.168.4.1",
    " * Running on http://192.168.1.7:5000/ (Press CTRL+C to quit)",
    "ready at 192.168.1.7",
    "INFO: listening: ('192.168.1.7', 80)",
])  # fmt: skip
def test_a_near_miss_of_the_ready_line_is_quoted(line):
    message = error_of("camrig: rig agent on\r\n" + line + "\r\nsensor: warm\r\n")
    assert f"{line.strip()!r} {READY}" in message


@pytest.mark.parametrize("line", ["camrig: wifi connected 192.168.1.7:80 rssi -42", "sensor: warm", "12.5 fps", ""])
def test_another_line_is_not_quoted(line):
    message = error_of(line + "\r\n")
    assert "main.py ended without serving" in message
    assert READY not in message
