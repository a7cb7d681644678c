"""The ``esp32`` module. There is no ESP-IDF below it: the heap that it reports is simulated."""

HEAP_DATA = 4
HEAP_EXEC = 1

_REGIONS = ((7288, 0, 0, 0), (15072, 12492, 12288, 12320), (113840, 49068, 45056, 47804))


def idf_heap_info(capabilities):
    """(total, free, largest free block, least ever free) of each region: constants in an ESP32's range.

    Nothing on the virtual board allocates from this heap.
    """
    return list(_REGIONS) if capabilities == HEAP_DATA else [(103632, 61440, 61440, 61440)]
