"""A virtual board on which the tests of a page share one repository, deployed and booted in this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from camrig.bringup.board import Board
from camrig.settings.resolve import resolve
from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.docs.cistern import WIFI, make_cistern


@pytest.fixture(autouse=True)
def _no_settings_of_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("CAMRIG_", "ESP"))]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def virtual() -> Iterator[VirtualBoard]:
    config = VirtualConfig(wifi_ssid=WIFI["CAMRIG_WIFI_SSID"], wifi_password=WIFI["CAMRIG_WIFI_PASSWORD"])
    with VirtualBoard.start(config) as board:
        yield board


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_cistern(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def deployed(virtual: VirtualBoard, repository: Path) -> Iterator[Board]:
    """The board with the repository's application on it."""
    with Board(virtual.path, resolve({"device": [virtual.path]}, WIFI, repository)) as board:
        board.deploy()
        yield board
