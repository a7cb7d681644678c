"""What a client types, on its way to the interpreter: Ctrl-C interrupts running code, the rest waits its turn."""

from __future__ import annotations

import time

from camrig.virtual.interpreter import Child

CTRL_C = b"\x03"
QUEUE = 1 << 20  # what is typed beyond it is lost, as in the receive buffer of a board that does not read
AGAIN = 0.1  # seconds between two interrupts: a second one that finds the first unhandled would end the process
RETRY = 0.002  # seconds until a busy interpreter is looked at again
PATIENCE = 0.2  # seconds that Ctrl-C waits for it to settle


class Keyboard:
    """The way from the port to one run of the interpreter at a time.

    ``started`` opens it: until then all keys are kept. While ``held``, because the REPL is not yet the one that
    the client expects, only Ctrl-C passes.
    """

    def __init__(self) -> None:
        self.started = False
        self.held = False
        self.deaf = False  # whether Ctrl-C goes unnoticed
        self.wake_at: float | None = None  # when ``pump`` wants to be called next
        self.blocked = False  # whether it waits for the terminal to take more
        self.interrupted_at = float("-inf")
        self._queue = b""
        self._interrupt_due = False
        self._settling_since: float | None = None

    def restart(self) -> None:
        """The interpreter is new; keys that came too late for the old one are for this one."""
        self.started = False
        self._interrupt_due = False
        self._settling_since = None

    def discard(self) -> None:
        """A hard reset forgets what was typed."""
        self._queue = b""

    def type(self, data: bytes, child: Child) -> None:
        """Keys from the client, in the order in which they were typed."""
        if self.deaf:
            data = data.replace(CTRL_C, b"")
        if self._interrupt_due and not child.interruptible:
            self._interrupt_due = False  # what it was meant for has ended, and what comes now is something else
        for number, part in enumerate(data.split(CTRL_C)):
            if number and not (self.started and self._interrupt(child)):
                self._queue += CTRL_C
            self._queue += part
        self._queue = self._queue[:QUEUE]
        self.pump(child)

    def pump(self, child: Child) -> None:
        """Pass on what can be passed on now; ``wake_at`` and ``blocked`` say when to try again."""
        self.wake_at = None
        self.blocked = False
        now = time.monotonic()
        if not self.started or child.ended():
            return
        if self._interrupt_due:
            if now < self.interrupted_at + AGAIN:
                self.wake_at = self.interrupted_at + AGAIN
            else:
                self._interrupt_due = False
                self._interrupt(child)
        while self._queue and not self.held:
            if self._queue.startswith(CTRL_C):
                if not self._settled(child, now):
                    self.wake_at = now + RETRY
                    return
                taken = 1 if self._interrupt(child) else child.write(CTRL_C)
            else:
                plain = self._queue.find(CTRL_C)
                taken = child.write(self._queue if plain < 0 else self._queue[:plain])
            if not taken:
                self.blocked = True
                return
            self._queue = self._queue[taken:]

    def _settled(self, child: Child, now: float) -> bool:
        """Whether it is certain who gets a Ctrl-C: code that catches it, or someone who waits for keys.

        Between the two the interpreter reads, compiles or clears up. The first look does not count: keys
        written just before may not have reached the terminal yet.
        """
        if self._settling_since is None:
            self._settling_since = now
        waited = now - self._settling_since
        if child.interruptible or (waited >= RETRY and child.settled) or waited > PATIENCE:
            self._settling_since = None
            return True
        return False

    def _interrupt(self, child: Child) -> bool:
        now = time.monotonic()
        if now < self.interrupted_at + AGAIN:
            if not child.interruptible:
                return False
            self._interrupt_due = True
            self.wake_at = self.interrupted_at + AGAIN
            return True
        if not child.interrupt():
            return False
        self.interrupted_at = now
        return True
