"""``gc`` of a slow chip: a collection that is asked for takes its time."""

import gc as _gc
import time

HIDDEN = ()

_ms = 0


def power_on(board):
    global _ms
    _ms = board["collection_ms"]


def collect():
    _gc.collect()
    time.sleep_ms(_ms)
