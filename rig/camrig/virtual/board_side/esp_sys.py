"""``sys`` of an ESP32: its names, and a console that tells text from bytes."""

import io

import wire

HIDDEN = ("atexit", "exc_info", "executable")

platform = "esp32"
implementation = None

_FILENO = 10  # MP_STREAM_GET_FILENO
_PART = 512


class Text(io.IOBase):
    """``sys.stdout``: goes the way of ``print``."""

    def write(self, data):
        return wire.console.write(data)

    def ioctl(self, request, arg):
        return 1 if request == _FILENO else 0


class Binary(io.IOBase):
    """``sys.stdout.buffer``: bytes go out as they are."""

    def write(self, data, size=-1):
        data = memoryview(bytes(data, "utf8") if isinstance(data, str) else data)
        if size >= 0:
            data = data[:size]
        for start in range(0, len(data), _PART):
            wire.binary(data[start : start + _PART])
        return len(data)

    def ioctl(self, request, arg):
        return 1 if request == _FILENO else 0


stdout = Text()
stdout.buffer = Binary()


def power_on(board):
    global implementation
    import sys
    from collections import namedtuple

    own = sys.implementation
    sys.argv.clear()
    fields = ("name", "version", "_machine", "_mpy")
    implementation = namedtuple("implementation", fields)(own.name, own.version, board["machine"], own._mpy)
