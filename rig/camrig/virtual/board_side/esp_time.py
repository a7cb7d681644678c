"""``time`` in whole seconds since the year 2000, as an ESP32 counts.

Microseconds begin with the chip. Milliseconds do not: asyncio, which is written in C, asks the computer for those.
"""

import time as _time

HIDDEN = ("clock",)

_EPOCH = 946684800
_start = 0


def power_on(board):
    global _start
    _start = _time.ticks_us() - 1000 * board["up_ms"]


def ticks_us():
    return _time.ticks_us() - _start


def time():
    return int(_time.time()) - _EPOCH


def time_ns():
    return _time.time_ns() - _EPOCH * 1000000000


def gmtime(seconds=None):
    return _time.gmtime(_time.time() if seconds is None else seconds + _EPOCH)[:8]


localtime = gmtime


def mktime(date):
    return _time.mktime(tuple(date[:8]) + (-1,)) - _EPOCH
