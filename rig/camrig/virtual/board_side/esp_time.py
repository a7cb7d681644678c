"""``time`` in whole seconds since the year 2000, as an ESP32 counts."""

import time as _time

HIDDEN = ("clock",)

_EPOCH = 946684800


def time():
    return int(_time.time()) - _EPOCH


def time_ns():
    return _time.time_ns() - _EPOCH * 1000000000


def gmtime(seconds=None):
    return _time.gmtime(_time.time() if seconds is None else seconds + _EPOCH)[:8]


localtime = gmtime


def mktime(date):
    return _time.mktime(tuple(date[:8]) + (-1,)) - _EPOCH
