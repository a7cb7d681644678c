"""``machine``: real resets, and pins that keep their value. There are no timers, buses, converters or RTC."""

import supervisor_channel
import uctypes

HIDDEN = ()

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

_cause = PWRON_RESET
_id = b""
_frequency = 160000000


def power_on(board):
    global _cause, _id
    _cause = board["cause"]
    _id = bytes(board["mac"])


def reset():
    supervisor_channel.halt("R")


def soft_reset():
    raise SystemExit


def reset_cause():
    return _cause


def unique_id():
    return _id


def freq(hz=None):
    global _frequency
    if hz is None:
        return _frequency
    if hz not in (20000000, 40000000, 80000000, 160000000, 240000000):
        raise ValueError("frequency must be 20MHz, 40MHz, 80Mhz, 160MHz or 240MHz")
    _frequency = hz
    return None


def disable_irq():
    return 0


def enable_irq(state):
    pass


class Memory:
    """``mem8``, ``mem16`` and ``mem32`` on the memory of this process: a wrong address is a crash, as on a board."""

    def __init__(self, size):
        self._size = size

    def __getitem__(self, address):
        return int.from_bytes(uctypes.bytes_at(address, self._size), "little")

    def __setitem__(self, address, value):
        uctypes.bytearray_at(address, self._size)[:] = value.to_bytes(self._size, "little")


mem8 = Memory(1)
mem16 = Memory(2)
mem32 = Memory(4)


class Pin:
    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2

    def __init__(self, id, mode=-1, pull=-1, value=None, **settings):
        self.id = id
        self._value = 0
        self.init(mode, pull, value)

    def init(self, mode=-1, pull=-1, value=None, **settings):
        if value is not None:
            self._value = 1 if value else 0
        elif pull == Pin.PULL_UP:
            self._value = 1

    def value(self, *level):
        if not level:
            return self._value
        self._value = 1 if level[0] else 0
        return None

    __call__ = value

    def on(self):
        self._value = 1

    def off(self):
        self._value = 0

    def toggle(self):
        self._value ^= 1

    def irq(self, handler=None, trigger=3):
        pass

    def __repr__(self):
        return "Pin(%s)" % self.id


class WDT:
    """Once started it can only be fed; without that it resets the board."""

    def __init__(self, id=0, timeout=5000):
        if timeout < 1:
            raise ValueError("WDT timeout too short")
        self._timeout = str(timeout)
        self.feed()

    def feed(self):
        supervisor_channel.request("D", self._timeout)


class Timer:
    """There is no interrupt to call back from, so a timer raises when it is started."""

    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id, **settings):
        if settings:
            self.init(**settings)

    def init(self, **settings):
        raise NotImplementedError("the virtual board has no timers; use asyncio")

    def deinit(self):
        pass
