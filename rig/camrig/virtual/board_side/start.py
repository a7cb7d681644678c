"""Runs before boot.py: mounts the flash, and installs the modules of an ESP32's firmware."""

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
    micropython.opt_level(3)  # saves heap: the firmware's modules need no line numbers
    with open(SETTINGS_FD) as f:
        board = json.load(f)
    import supervisor_channel

    supervisor_channel.open_control(CONTROL_FD)
    supervisor_channel.prefix = binascii.unhexlify(board["prefix"])
    supervisor_channel.request("V", sys.version.split("; ")[-1] + "; " + sys.implementation._machine)
    if board["held"]:
        supervisor_channel.mark(b"U")
        supervisor_channel.hold()
    import fault_cells

    fault_cells.power_on(board["fault_cells"], board["cells"])
    import firmware
    import flash

    firmware.install(board)
    bdev = flash.mount(board["flash"], board["blocks"])
    del flash.mount, flash.fill  # whatever stays loaded takes heap from the application
    del fault_cells.power_on
    sys.path[:] = ["", ".frozen", "/lib"]
    import __main__

    space = __main__.__dict__
    del __main__
    space["gc"] = gc
    space["vfs"] = sys.modules["vfs"]
    space["bdev"] = bdev
    for name in ("start", "supervisor_channel", "fault_cells", "flash", "firmware", "jpeg", "camera_fault"):
        sys.modules.pop(name, None)
    micropython.opt_level(level)
    raw = board["raw"]
    del board, bdev
    try:
        try:
            gc.collect()
            micropython.kbd_intr(3)
            supervisor_channel.mark(b"U")
            fault_cells.event("B")
            if script("boot.py", space, supervisor_channel) and not raw:
                script("main.py", space, supervisor_channel)
        finally:
            micropython.kbd_intr(-1)
    except KeyboardInterrupt:
        pass
    gc.collect()
    supervisor_channel.mark(b"D")


def script(name, space, supervisor_channel):
    try:
        os.stat(name)
    except OSError:
        return True
    try:
        execfile(name, space)  # noqa: F821
        return True
    except SystemExit:
        supervisor_channel.halt("S")
    except BaseException as e:
        text = io.StringIO()
        sys.print_exception(e, text)
        for line in text.getvalue().split("\n")[:-1]:
            if '"start.py"' not in line:
                print(line)
        return False
