"""What a client types, on its way to the interpreter: Ctrl-C interrupts running code, everything else is queued."""

from __future__ import annotations

import time

from camrig.virtual.interpreter import SLEEP_WAIT, Interpreter

CTRL_C = b"\x03"
QUEUE = 1 << 20  # what is typed beyond it is lost, as in the receive buffer of a board that does not read
INTERRUPT_PERIOD = 0.1  # seconds between two interrupts: a second one before the first is handled ends the process
RETRY = 0.002  # seconds until a busy interpreter is looked at again
SETTLE_LIMIT = 0.2  # seconds that Ctrl-C waits until it is clear who gets it


class ReplInput:
    """The way from the port to one run of the interpreter at a time.

    ``started`` opens it: until then all keys are queued. While ``held``, because the REPL is not yet the one that
    the client expects, only Ctrl-C passes.
    """

    def __init__(self) -> None:
        self.started = False
        self.held = False
        self.ignores_ctrl_c = False
        self.wake_at: float | None = None  # when to call ``pump`` next
        self.blocked = False  # whether the terminal takes no more at present
        self.interrupted_at = float("-inf")
        self._queue = b""
        self._interrupt_due = False
        self._patience = SLEEP_WAIT
        self._settling_since: float | None = None

    def restart(self) -> None:
        """The interpreter is new; keys that came too late for the old one are for this one."""
        self.started = False
        self._interrupt_due = False
        self._settling_since = None

    def discard(self) -> None:
        """A hard reset loses what was typed."""
        self._queue = b""

    def type(self, data: bytes, interpreter: Interpreter) -> None:
        """Keys from the client, in the order in which they were typed."""
        if self.ignores_ctrl_c:
            data = data.replace(CTRL_C, b"")
        if self._interrupt_due and not interpreter.interruptible:
            self._interrupt_due = False  # the code that it was meant for has ended; what runs next is something else
        for number, part in enumerate(data.split(CTRL_C)):
            if number and not (self.started and self._interrupt(interpreter)):
                self._queue += CTRL_C
            self._queue += part
        self._queue = self._queue[:QUEUE]
        self.pump(interpreter)

    def interrupt_later(self) -> None:
        """Code that could not be interrupted has taken a Ctrl-C, which is for what runs after it."""
        self._interrupt_due = True
        self.wake_at = self.interrupted_at + INTERRUPT_PERIOD

    def pump(self, interpreter: Interpreter) -> None:
        """Pass on what can be passed on now; ``wake_at`` and ``blocked`` say when to try again."""
        self.wake_at = None
        self.blocked = False
        now = time.monotonic()
        if not self.started or interpreter.ended():
            return
        if self._interrupt_due:
            if now < self.interrupted_at + INTERRUPT_PERIOD:
                self.wake_at = self.interrupted_at + INTERRUPT_PERIOD
            else:
                self._interrupt_due = False
                self._interrupt(interpreter)
        while self._queue and not self.held:
            if self._queue.startswith(CTRL_C):
                if not self._settled(interpreter, now):
                    self.wake_at = now + RETRY
                    return
                taken = 1 if self._interrupt(interpreter) else interpreter.write(CTRL_C)
            else:
                plain = self._queue.find(CTRL_C)
                taken = interpreter.write(self._queue if plain < 0 else self._queue[:plain])
            if not taken:
                self.blocked = True
                return
            self._queue = self._queue[taken:]

    def _settled(self, interpreter: Interpreter, now: float) -> bool:
        """Whether it is certain who gets a Ctrl-C: code that catches it, or a read that waits for keys.

        Between the two the interpreter reads, compiles or cleans up. The first look does not count: keys
        written just before may not have reached the terminal yet.
        """
        if self._settling_since is None:
            self._settling_since = now
        waited = now - self._settling_since
        if interpreter.interruptible or (waited >= RETRY and interpreter.waits_for_keys) or waited > SETTLE_LIMIT:
            self._settling_since = None
            return True
        return False

    def _interrupt(self, interpreter: Interpreter) -> bool:
        now = time.monotonic()
        if now < self.interrupted_at + INTERRUPT_PERIOD:
            if not interpreter.interruptible:
                return False
            self._interrupt_due = True
            self.wake_at = self.interrupted_at + INTERRUPT_PERIOD
            return True
        if not interpreter.interrupt(self._patience):
            self._patience /= 2  # the code has ended meanwhile: the next may run as briefly
            return False
        self._patience = SLEEP_WAIT
        self.interrupted_at = now
        return True
