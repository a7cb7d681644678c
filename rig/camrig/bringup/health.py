"""The health of the board of one run: whether the run may use it, what its bench did meanwhile, how the run ended."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from camrig.errors import CamrigError, QuarantinedError
from camrig.lab import health_files, lock
from camrig.lab.health import FINE, NOT_BACK, PORT_LOST, RECOVERED, BoardHealth, RunEnd, as_data
from camrig.lab.usb_ports import mac_key


class HealthKeeper:
    """Keeps the health of the board ``spec``. A virtual board that is made for a run has none.

    ``say`` prints a line. Only what board or bench did is noted: no crash of what is tested, no setting, no network.
    """

    def __init__(self, spec: str, say: Callable[[str], None]) -> None:
        self._spec, self._say = spec, say
        self._port_key = self._key = self._mac = ""
        self._refuses = True
        self._end = FINE
        self._served = False
        self._recoveries = 0
        self._reason = ""
        self.health: BoardHealth | None = None

    def admit(self, port_key: str, refuses: bool = True) -> None:
        """A run is about to open the port with this key. Raises QuarantinedError, unless it is to be examined."""
        self._port_key, self._refuses = port_key, refuses
        self._look(*health_files.of_board(port_key))

    def identified(self, mac: str) -> None:
        """The board has given its MAC, perhaps that of one which was on another port. Raises QuarantinedError."""
        if not self._port_key:
            return
        self._mac = mac
        key = (mac_key(mac) if mac else "") or self._port_key
        if key != self._key:
            self._look(key, health_files.read(key))

    def _look(self, key: str, health: BoardHealth) -> None:
        self._key, self.health = key, health
        if health.quarantined is not None and self._refuses:
            raise quarantined(self._spec, health)
        if (wedged := health.wedged) is not None and not health.quarantined:
            self._say(f"{self._spec}: the last run, at {wedged.at}, could not bring this board back; trying again")

    def recovered(self) -> None:
        """The board was brought back from something that was its own or its bench's doing."""
        self._recoveries += 1

    def not_back(self, reason: str) -> None:
        """The board could not be brought back."""
        self._end, self._reason = NOT_BACK, reason

    def came_back(self) -> None:
        """It could be brought back after all."""
        if self._end == NOT_BACK:
            self._end, self._reason = FINE, ""

    def port_lost(self, reason: str) -> None:
        """The port was lost."""
        if self._end != NOT_BACK:
            self._end, self._reason = PORT_LOST, reason

    def served(self) -> None:
        """The board does what it is there for: a run that ends now was a fine one."""
        self._served = True

    def keep(self) -> None:
        """Write how the run ended, once; a run in which nothing was seen of the board says nothing of it."""
        if not self._key:
            return
        end = RECOVERED if self._end == FINE and self._recoveries else self._end
        key, self._key = self._key, ""
        if end == FINE and not self._served:
            return
        run = RunEnd(lock.now(), lock.command_line(), end, self._recoveries, self._reason)
        with suppress(CamrigError, OSError):  # a full disk is not what the run is about
            self.health = health_files.change(key, lambda health: health.after(run), self._spec, self._mac)
            if self.health.quarantined is not None and self.health.quarantined.at == run.at:
                self._say(f"{self._spec}: quarantined from now on: {self.health.quarantined.reason}")

    def clear(self) -> list[str]:
        """The board is sound: clear its marks; the states that it was in."""
        return health_files.clear([self._port_key, self._key]) if self._key else []

    @property
    def report(self) -> dict[str, Any] | None:
        """What results keep; None for a board that was made for this run."""
        return as_data(self.health) | {"state": self.health.state} if self.health is not None else None


def quarantined(spec: str, health: BoardHealth) -> QuarantinedError:
    """The error for a run on a quarantined board: since when, why, and what to do."""
    mark = health.quarantined
    assert mark is not None
    by = "by hand" if mark.by == "hand" else "by the rule"
    device = shlex.quote(spec)
    return QuarantinedError(
        f"the board is quarantined since {mark.at}, {by}: {mark.reason}",
        board=spec,
        hint=f"run camrig doctor --device {device}, which clears that when all is well, or "
        f"camrig quarantine --device {device} --clear",
    )
