"""The limits in force."""

from __future__ import annotations

from camrig.gate.limits import Limit, default_limits, parse_limits
from camrig.settings.resolve import Settings


def limits_of(settings: Settings, paired: bool) -> dict[str, Limit]:
    """The limits of the config file, or the usual ones. Raises SettingsError."""
    return parse_limits(settings.limits) or default_limits(paired)
