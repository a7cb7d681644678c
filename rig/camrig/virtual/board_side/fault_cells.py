"""The active faults of this board: numbers in a file, which the supervisor sets while the interpreter runs.

``virtual/fault_cells.py`` is the other end, and says what each number means.
"""

import array
import gc
import time

import supervisor_channel

_LETTERS = "BWLQ"  # events in the order of their bits

ballast = None  # heap that the application cannot use: a chain of pieces
_file = None
_offsets = {}
_cell = array.array("I", (0,))
_number = 0


def power_on(path, cells):
    global _file
    _file = open(path, "r+b")
    for name in cells:
        _offsets[name] = 4 * len(_offsets)


def get(name):
    _file.seek(_offsets[name])
    _file.readinto(_cell)
    return _cell[0]


def put(name, value):
    _cell[0] = value
    _file.seek(_offsets[name])
    _file.write(_cell)


def event(letter, always=False):
    """Report an event, and if a fault waits for it, wait until it has struck."""
    global _number
    if get("events") & 1 << _LETTERS.index(letter):
        _number += 1
        supervisor_channel.request(letter, str(_number))
        while get("ack") < _number:
            time.sleep_ms(1)
    elif always:
        supervisor_channel.request(letter)


def take_heap():
    """Take heap until only the configured number of bytes is left; release it when that is 0."""
    global ballast
    spare = get("heap")
    if not spare:
        ballast = None
        return
    piece = 65536
    gc.collect()
    while piece >= 64:
        room = gc.mem_free() - spare
        piece = min(piece, room - 64)
        if piece < 64:
            return
        try:
            ballast = (bytearray(piece), ballast)
        except MemoryError:
            piece //= 2
