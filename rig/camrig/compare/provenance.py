"""Where a run's figures come from: board, radio and settings, for comparison and for evidence."""

from __future__ import annotations

import datetime
import os
import platform
from importlib.metadata import version
from typing import Any

from camrig.bringup.board import Board
from camrig.gate.provenance import PREFLIGHT, Provenance
from camrig.probe.agent import Radio
from camrig.probe.preflight import CHROMIUM
from camrig.settings.resolve import Settings


def provenance_of(board: Board, radio: Radio | None) -> Provenance:
    """The provenance of what is measured on ``board``. Virtual boards on hosts of one kind count as one board."""
    identity, settings = board.identity, board.settings
    radio = radio or Radio(None, None, None)
    return Provenance(
        taken=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        rig=version("camrig"),
        machine=identity.machine,
        mac=f"virtual on {platform.machine()}, {os.cpu_count()} cores" if identity.virtual else identity.mac,
        virtual=identity.virtual,
        firmware=identity.firmware,
        build=identity.build,
        mpy=identity.mpy_text,
        library_sha256=board.deployment.library_sha256,
        rssi=radio.rssi,
        channel=radio.channel,
        power_save=radio.power_save,
        settings={
            "sim_heap": settings.sim_heap.text if identity.virtual else None,
            "forwarded": bool(settings.url),
            PREFLIGHT: f"those of Chromium {CHROMIUM.split('.')[0]}",
        },
    )


def board_record(board: Board) -> dict[str, Any]:
    """The board's identity for evidence."""
    return {**board.identity.as_record(), "spec": board.spec}


def library_record(board: Board) -> dict[str, str]:
    """The library on the board for evidence: its module as read back, and the source that this was built from."""
    deployment = board.deployment
    return {
        "file": deployment.library_file,
        "sha256": deployment.library_sha256,
        "source": str(deployment.library_source or ""),
        "source_sha256": deployment.library_source_sha256,
    }


def settings_record(settings: Settings) -> dict[str, Any]:
    """The settings for evidence, without the Wi-Fi password."""
    return {
        "device": list(settings.device),
        "url": list(settings.url),
        "sim_heap": settings.sim_heap.text,
        "baud": settings.baud,
        "fast": settings.fast,
        "port": settings.port,
        "boot_timeout": settings.boot_timeout,
        "lines": settings.lines.name,
        "require": settings.require,
        "limits": dict(settings.limits),
        "wifi_ssid": settings.wifi.ssid if settings.wifi else None,
    }
