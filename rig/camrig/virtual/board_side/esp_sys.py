"""``sys`` of an ESP32: its names, and a console that separates text from bytes."""

import io

import supervisor_channel

HIDDEN = ("atexit", "exc_info", "executable")

platform = "esp32"
implementation = None

_FILENO = 10  # MP_STREAM_GET_FILENO
_PART = 512


class TextConsole(io.IOBase):
    """``sys.stdout``: writes as ``print`` does."""

    def write(self, data):
        return supervisor_channel.console.write(data)

    def ioctl(self, request, arg):
        return 1 if request == _FILENO else 0


class BinaryConsole(io.IOBase):
    """``sys.stdout.buffer``: bytes go out unchanged."""

    def write(self, data, size=-1):
        data = memoryview(bytes(data, "utf8") if isinstance(data, str) else data)
        if size >= 0:
            data = data[:size]
        for start in range(0, len(data), _PART):
            supervisor_channel.binary(data[start : start + _PART])
        return len(data)

    def ioctl(self, request, arg):
        return 1 if request == _FILENO else 0


stdout = TextConsole()
stdout.buffer = BinaryConsole()


def power_on(board):
    global implementation, version
    import sys
    from collections import namedtuple

    unix = sys.implementation
    sys.argv.clear()
    fields = ("name", "version", "_machine", "_mpy")
    numbers = unix.version
    if board["firmware"]:
        version = sys.version.split("; ")[0] + "; MicroPython " + board["firmware"]
        release, _, suffix = board["firmware"].split(" ")[0].lstrip("v").partition("-")
        numbers = tuple(int(part) for part in (release + ".0.0").split(".")[:3]) + (suffix.split(".")[0],)
    implementation = namedtuple("implementation", fields)(unix.name, numbers, board["machine"], unix._mpy)
