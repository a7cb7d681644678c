"""What pulses on DTR and RTS say about a board's wiring and the line profile in use."""

from __future__ import annotations

from collections.abc import Callable

from camrig.board.wiring_probe import WiringReport
from camrig.doctor.check import Check, State

_IO0 = "release IO0 from ground (a jumper, a button, the flash switch of the carrier board) and press reset"


def wiring_check(wiring: WiringReport, profile: str, command: Callable[[str], str]) -> Check:
    """The check of a ``wiring`` that was probed, where ``profile`` is in use; ``command`` uses another."""
    if wiring.restarts_by_itself:
        return Check("lines", State.NOTE, str(wiring), "fix that first; the console below says more")
    if wiring.in_boot_loader:
        return Check("lines", State.WRONG, "the chip starts in its boot loader, whatever the lines do", _IO0)
    if wiring.profile is None:
        advice = "describe it in a table [wiring.NAME] of camrig.toml"
        return Check("lines", State.NOTE, f"{wiring}, which fits no known wiring", advice)
    if wiring.profile == profile or _is_equivalent(wiring, profile):
        return Check("lines", State.OK, f"{wiring}: profile {profile} fits")
    return Check(
        "lines", State.NOTE, f"{wiring}: profile {wiring.profile}", "use that profile", command(wiring.profile)
    )


def _is_equivalent(wiring: WiringReport, profile: str) -> bool:
    """Whether ``profile`` resets this wiring too: ``devkit`` and ``esp32-cam-mb`` differ only in flashing."""
    return {wiring.profile, profile} == {"devkit", "esp32-cam-mb"} and "rts" in wiring.resets
