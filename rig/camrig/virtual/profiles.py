"""Profiles of a virtual board: what its work costs in time, beside what the interpreter itself takes."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from camrig.errors import SettingsError


@dataclass(frozen=True)
class Costs:
    """Seconds of waiting added to the board's work.

    ``flash_block`` is for 4 KB of flash: half when the block is erased, half as its bytes are programmed.
    ``collection`` is of a heap of 4 MB, and in proportion of any other. ``boot`` is from a hard reset to boot.py.
    """

    flash_block: float = 0.0
    socket_call: float = 0.0
    collection: float = 0.0
    boot: float = 0.0

    def scaled(self, factor: float) -> Costs:
        """The same costs, multiplied."""
        return Costs(
            self.flash_block * factor, self.socket_call * factor, self.collection * factor, self.boot * factor
        )


NO_COSTS = Costs()
# Seen on stock firmware under emulation; no physical chip is that slow.
SLOW_CHIP = Costs(flash_block=1.0, socket_call=0.01, collection=0.5, boot=8.0)
PROFILES = {"slow-chip": SLOW_CHIP}


def find_costs(profile: str) -> Costs:
    """The costs of a profile. Raises SettingsError for an unknown one."""
    if profile not in PROFILES:
        close = difflib.get_close_matches(profile, PROFILES, n=1)
        hint = f"did you mean {close[0]}?" if close else f"use one of {', '.join(PROFILES)}"
        raise SettingsError(f"the virtual board has no profile {profile!r}", hint=hint)
    return PROFILES[profile]
