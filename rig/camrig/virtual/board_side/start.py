"""What runs before boot.py: the flash becomes the filesystem, ESP32 modules take their places."""

import binascii
import gc
import io
import json
import os
import sys

import micropython

SETTINGS_FD = 3
CONTROL_FD = 4


def run():
    micropython.kbd_intr(-1)
    level = micropython.opt_level()
    micropython.opt_level(3)  # the firmware's modules need no line numbers, and heap is short
    with open(SETTINGS_FD) as f:
        board = json.load(f)
    import wire

    wire.open_control(CONTROL_FD)
    wire.prefix = binascii.unhexlify(board["prefix"])
    wire.request("V", sys.version.split("; ")[-1] + "; " + sys.implementation._machine)
    if board["held"]:
        wire.mark(b"U")
        wire.hold()
    import switches

    switches.power_on(board["switches"], board["cells"])
    import firmware
    import flash

    firmware.install(board)
    bdev = flash.mount(board["flash"], board["blocks"])
    del flash.mount, flash.fill  # what stays loaded costs the board's heap
    del switches.power_on
    sys.path[:] = ["", ".frozen", "/lib"]
    import __main__

    space = __main__.__dict__
    del __main__
    space["gc"] = gc
    space["vfs"] = sys.modules["vfs"]
    space["bdev"] = bdev
    for name in ("start", "wire", "switches", "flash", "firmware", "jpeg"):
        sys.modules.pop(name, None)
    micropython.opt_level(level)
    raw = board["raw"]
    del board, bdev
    try:
        try:
            gc.collect()
            micropython.kbd_intr(3)
            wire.mark(b"U")
            switches.event("B")
            if script("boot.py", space, wire) and not raw:
                script("main.py", space, wire)
        finally:
            micropython.kbd_intr(-1)
    except KeyboardInterrupt:
        pass
    gc.collect()
    wire.mark(b"D")


def script(name, space, wire):
    try:
        os.stat(name)
    except OSError:
        return True
    try:
        execfile(name, space)  # noqa: F821
        return True
    except SystemExit:
        wire.halt("S")
    except BaseException as e:
        text = io.StringIO()
        sys.print_exception(e, text)
        for line in text.getvalue().split("\n")[:-1]:
            if '"start.py"' not in line:
                print(line)
        return False
