"""What is required of the camera where hardware is required: a pass must not stand for pictures that nobody took."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from camrig.errors import CameraError
from camrig.report.pictures import NO_CAMERA_MODULE, is_unwanted
from camrig.settings.config_file import CONFIG_FILE
from camrig.settings.resolve import Settings

# What to do for a board that is meant to have no camera.
NO_CAMERA_WANTED = f"write settings.camera = false under [deploy] in {CONFIG_FILE} if it is meant to have no camera"


def require_pictures(sensor: Mapping[str, Any] | None, settings: Settings, spec: str) -> None:
    """Raise CameraError for made-up pictures where hardware is required, unless the settings ask for them.

    An application without a camera, whose ``sensor`` is None, is not asked for pictures.
    """
    if not settings.requires("hardware") or sensor is None or not is_unwanted(sensor):
        return
    reason = sensor["error"]
    if reason == NO_CAMERA_MODULE:
        raise CameraError(
            f"its pictures are synthetic ({reason}), and --hil-require=hardware requires real ones",
            board=spec,
            hint=f"flash a firmware with a camera driver, or {NO_CAMERA_WANTED}",
        )
    raise CameraError(
        f"its camera failed ({reason}), and --hil-require=hardware requires real pictures",
        board=spec,
        hint=f"find out why with camrig doctor --device {shlex.quote(spec)}, or {NO_CAMERA_WANTED}",
    )
