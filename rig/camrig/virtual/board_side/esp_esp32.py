"""The ``esp32`` module. There is no ESP-IDF below it: the heap that it reports is simulated."""

import micropython

HEAP_DATA = 4
HEAP_EXEC = 1

_REGIONS = ((7288, 0, 0, 0), (15072, 12492, 12288, 12320), (113840, 49068, 45056, 47804))
_partition = None


def power_on(board):
    global _partition
    import struct
    import time

    import fault_cells
    import flash
    import supervisor_channel

    # The class is read when it is first used: it takes no heap from an application that does not use it.
    slots = flash.FlashDevice(open(board["slots"], "r+b"), board["running"])
    modules = {"struct": struct, "time": time, "fault_cells": fault_cells, "supervisor_channel": supervisor_channel}
    _partition = (open("partition.py"), dict(modules, slots=slots))


def __getattr__(name):
    global _partition
    if name != "Partition" or _partition is None:
        raise AttributeError(name)
    source, space = _partition
    level = micropython.opt_level()
    micropython.opt_level(3)
    exec(source.read(), space)
    micropython.opt_level(level)
    source.close()
    _partition = None
    globals()[name] = space[name]
    return space[name]


def idf_heap_info(capabilities):
    """(total, free, largest free block, least ever free) of each region: constants in an ESP32's range.

    Nothing on the virtual board allocates from this heap.
    """
    return list(_REGIONS) if capabilities == HEAP_DATA else [(103632, 61440, 61440, 61440)]
