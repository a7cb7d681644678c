"""What the pictures of a board are: a camera's, or made up, and why. Pure: it knows what the application reports.

A ``sensor`` is that of the results: its ``name``, whether its pictures are ``synthetic``, and the ``error`` for which
they are, or with which the last one failed. One without an error is synthetic because the settings say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

REAL, SYNTHETIC = "real", "synthetic"
NO_CAMERA_MODULE = "this firmware has no camera module"  # device/sensor.py says so, too


def is_unwanted(sensor: Mapping[str, Any] | None) -> bool:
    """Whether pictures are synthetic although nobody has said that they should be.

    Results of earlier versions give no reason.
    """
    return bool(sensor and sensor["synthetic"] and sensor.get("error", "") is not None)


def kind(sensor: Mapping[str, Any]) -> str:
    """One word for the pictures."""
    return SYNTHETIC if sensor["synthetic"] else REAL


def why_synthetic(sensor: Mapping[str, Any]) -> str:
    """Why pictures are synthetic; empty where that is not known."""
    error = sensor.get("error", "")
    if error is None:
        return "as the settings of the application say"
    return error if error in ("", NO_CAMERA_MODULE) else f"the camera failed: {error}"


def pictures(sensor: Mapping[str, Any]) -> str:
    """The pictures in a few words, for tables and pages."""
    if sensor["synthetic"]:
        reason = why_synthetic(sensor)
        return f"{SYNTHETIC}, {reason}" if reason else SYNTHETIC
    error = sensor.get("error")
    return f"{REAL}, from {sensor['name']}" + (f"; the last one failed: {error}" if error else "")
