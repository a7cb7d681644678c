"""Images of virtual firmware, and a virtual board with two slots for it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from camrig.bringup.board import Board
from camrig.firmware.image import Image, read_image
from camrig.settings.resolve import resolve
from camrig.virtual.app_image import build_app_image
from camrig.virtual.board import VirtualBoard, VirtualConfig

WIFI = {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "pass phrase"}


def firmware(version: str, size: int = 60_000, **settings: Any) -> Image:
    """An application image of that version, half of which can be compressed."""
    filling = random.Random(version).randbytes(size // 2) + b"\xa5" * (size - size // 2)
    return read_image(build_app_image(version, filling=filling, **settings), f"{version}.bin")


@pytest.fixture(scope="module")
def virtual() -> Iterator[VirtualBoard]:
    with VirtualBoard.start(VirtualConfig(wifi_ssid="lab", wifi_password="pass phrase")) as board:
        yield board


@pytest.fixture
def board(virtual: VirtualBoard, tmp_path: Path) -> Iterator[Board]:
    with Board(virtual.path, resolve({"device": [virtual.path]}, WIFI, tmp_path)) as board:
        yield board
