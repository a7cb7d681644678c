"""Whether this process is a stage of ``camrig release``, which says so in the environment of its commands."""

from __future__ import annotations

import os

VARIABLE = "CAMRIG_RELEASE"
RELEASE, REHEARSAL = "release", "rehearsal"
NOT_A_RELEASE = "rehearsal: not a release"


def is_stage() -> bool:
    """Whether the firmware is what is judged, so that a baseline may be of another one."""
    return os.environ.get(VARIABLE) in (RELEASE, REHEARSAL)


def is_rehearsal() -> bool:
    """Whether every output has to say that it is not one of a release."""
    return os.environ.get(VARIABLE) == REHEARSAL
