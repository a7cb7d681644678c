"""Suites that bring a board down, the application that lets them, and what a run says of it."""

from __future__ import annotations

import json
from pathlib import Path

from tests_unit.conftest import Ended

WIFI = {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "correct horse battery"}

# Routes that bring the board down, each as an ESP32 would tell of it.
CRASHES = """
import sys, time, machine, micropython
GURU = '''
Guru Meditation Error: Core  1 panic'ed (LoadProhibited). Exception was unhandled.

Core  1 register dump:
PC      : 0x400d1234  PS      : 0x00060e30  A0      : 0x800d5678  A1      : 0x3ffb1f50
EXCVADDR: 0x00000000  LBEG    : 0x4000c2e0  LEND    : 0x4000c2f6  LCOUNT  : 0xffffffff

Backtrace: 0x400d1231:0x3ffb1f50 0x400d5675:0x3ffb1f70 0x400d9999:0x3ffb1f90

Rebooting...'''


def hang():
    while True:
        time.sleep(1)


def down(kind):
    if kind == "panic":  # the stack is dead, no connection is closed
        print(GURU)
        hang()
    if kind == "brownout":
        print("\\nBrownout detector was triggered\\n")
        machine.reset()
    if kind == "watchdog":
        machine.WDT(timeout=200)
        hang()
    if kind == "reset":
        machine.reset()
    if kind == "deaf":
        micropython.kbd_intr(-1)
        print(GURU)
        hang()
    if kind == "silent":
        hang()
    if kind == "chatter":
        for n in range(200):
            print("frame", n, "sent")
        print(GURU)
        hang()


def crashes(app):
    @app.after_error_request
    @app.after_request
    def hook(request, response):
        if request.path == "/down/hook":
            raise ValueError("no such page")
        if request.path == "/down/network":
            raise OSError(104)

    @app.get("/down/<kind>")
    async def go_down(request, kind):
        if kind in ("hook", "network"):
            return "never sent"
        if kind == "end":
            app.shutdown()
            return "bye"
        if kind == "raise":
            raise ValueError("no such lens")
        if kind == "task":
            asyncio.create_task(later(0.1, kind))
            return "soon"
        if kind == "later":
            asyncio.create_task(later(0.2, "panic"))
            return "soon"
        if kind == "restart":
            asyncio.create_task(later(0.3, "reset"))  # the response is sent first
            return "soon"
        down(kind)


async def later(seconds, kind):
    await asyncio.sleep(seconds)
    if kind == "task":
        raise OSError(12, "no buffers")
    down(kind)
"""


def result(tmp_path: Path) -> dict:
    (path,) = (tmp_path / "results").glob("run-*.json")
    return json.loads(path.read_text())


SUITE = """
import time
def test_goes_down(dut):
    start = time.monotonic()
    try:
        dut.request("GET", "/down/{kind}")
    finally:
        print("took", time.monotonic() - start)
def test_next(dut, preflight):
    dut.policy(allowed_origins=["https://panel.example"])
    assert preflight("https://panel.example").header("Access-Control-Allow-Origin") == "https://panel.example"
"""


def took(ended: Ended) -> float:
    return float(ended.out.split("took ")[-1].split()[0])
