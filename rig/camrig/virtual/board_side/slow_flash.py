"""The flash of a slow chip: to erase a block and to program one takes its time."""

import sys
import time

import flash
import supervisor_channel


class SlowFlashDevice(flash.FlashDevice):
    """``half_ms`` is the time to erase or program a block; ``due`` are bytes whose time is less than 1 ms."""

    half_ms = 0
    due = 0

    def writeblocks(self, n, buf, offset=0):
        super().writeblocks(n, buf, offset)
        self.due += len(buf)
        ms = self.half_ms * self.due // flash.BLOCK
        self.due -= ms * flash.BLOCK // self.half_ms
        self.wait(ms)

    def ioctl(self, op, arg):
        if op == 6:
            self.wait(self.half_ms)
        return super().ioctl(op, arg)

    def wait(self, ms):
        """A chip takes Ctrl-C only between two writes: it is handed back to whoever typed it, to come again."""
        until = time.ticks_add(time.ticks_ms(), ms)
        while time.ticks_diff(until, time.ticks_ms()) > 0:
            try:
                time.sleep_ms(time.ticks_diff(until, time.ticks_ms()))
            except KeyboardInterrupt:
                supervisor_channel.request("C")


def power_on(block_ms):
    SlowFlashDevice.half_ms = max(1, block_ms // 2)
    flash.FlashDevice = SlowFlashDevice
    del sys.modules["slow_flash"]
