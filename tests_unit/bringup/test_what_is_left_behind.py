"""Whatever raises while a board is in hand: the port is free afterwards, and no thread listens on."""

from __future__ import annotations

import fcntl
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from camrig.bringup.board import Board
from camrig.errors import BootError
from camrig.settings.resolve import Settings, resolve
from camrig.settings.wifi import Wifi
from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.conftest import ROOT


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = resolve({"device": ["sim"]}, {}, ROOT)
    app = tmp_path / "app"
    shutil.copytree(ROOT / "device", app)
    return replace(settings, app=app, wifi=Wifi("lab", "correct horse battery"), boot_timeout=15.0)


def listeners() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("console of")]


@pytest.mark.parametrize("where", ["deploy", "boot", "test"])
def test_nothing_is_left_behind(settings: Settings, where: str):
    if where == "boot":
        (settings.app / "main.py").write_text("print('bye')\n")
    with VirtualBoard.start(VirtualConfig(wifi_ssid="lab", wifi_password="correct horse battery")) as virtual:

        def use() -> None:
            with Board(virtual.path, settings) as board:
                if where == "deploy":
                    raise RuntimeError("in a fixture")
                board.deploy()
                dut = board.boot()
                assert listeners()
                raise RuntimeError(dut.url)

        with pytest.raises(BootError if where == "boot" else RuntimeError):
            use()
        assert listeners() == []
        with open(virtual.path, "rb+", buffering=0) as port:
            fcntl.flock(port, fcntl.LOCK_EX | fcntl.LOCK_NB)
