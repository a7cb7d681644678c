"""What is wrong with this board: numbers in a file, which the supervisor sets while the interpreter runs."""

import array
import gc
import time

import wire

_LETTERS = "BWLQ"  # events in the order of their bits

eaten = None  # heap that nobody else gets, a chain of pieces
_file = None
_at = {}
_cell = array.array("I", (0,))
_number = 0


def power_on(path, cells):
    global _file
    _file = open(path, "r+b")
    for name in cells:
        _at[name] = 4 * len(_at)


def get(name):
    _file.seek(_at[name])
    _file.readinto(_cell)
    return _cell[0]


def put(name, value):
    _cell[0] = value
    _file.seek(_at[name])
    _file.write(_cell)


def event(letter, always=False):
    """Tell of an event, and wait until what has to happen just then has happened."""
    global _number
    if get("events") & 1 << _LETTERS.index(letter):
        _number += 1
        wire.request(letter, str(_number))
        while get("ack") < _number:
            time.sleep_ms(1)
    elif always:
        wire.request(letter)


def eat():
    """Take heap until only what the switch says is left; give it back when the switch is off."""
    global eaten
    leave = get("heap")
    if not leave:
        eaten = None
        return
    piece = 65536
    gc.collect()
    while piece >= 64:
        room = gc.mem_free() - leave
        piece = min(piece, room - 64)
        if piece < 64:
            return
        try:
            eaten = (bytearray(piece), eaten)
        except MemoryError:
            piece //= 2
