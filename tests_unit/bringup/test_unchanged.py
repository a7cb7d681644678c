"""A run that has nothing to send sends nothing, and asks a board one question about its files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from camrig.board.transport import Transport
from camrig.bringup.board import Board
from camrig.bringup.deployment import TOKEN_FILE
from camrig.lab import lock
from camrig.redaction import hide
from camrig.settings.resolve import resolve
from camrig.settings.wifi import Wifi
from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.conftest import ROOT

WIFI = Wifi("lab", "pass phrase")


@pytest.fixture(scope="module")
def virtual() -> Iterator[VirtualBoard]:
    with VirtualBoard.start(VirtualConfig(wifi_ssid=WIFI.ssid, wifi_password=WIFI.password)) as board:
        yield board


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What this computer keeps of its boards, shared by the runs of this module."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture
def deployed(virtual, state, monkeypatch) -> Callable[..., tuple[tuple[str, ...], int, str]]:
    """A run of its own that deploys: the files it sent, its commands for that, and the token on the board."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(state))
    monkeypatch.chdir(ROOT)
    commands: list[float] = []
    run = Transport.run

    def counted(self, code, seconds):
        commands.append(seconds)
        return run(self, code, seconds)

    monkeypatch.setattr(Transport, "run", counted)

    def call(production: bool = False, **options: str) -> tuple[tuple[str, ...], int, str]:
        settings = replace(resolve({}, {}, ROOT), wifi=WIFI)
        with Board(virtual.path, settings, **options) as board:
            board.deployment.imports = {"microdot": 1}  # not measured again
            before = len(commands)
            sent = board.deploy(production=production).sent
            count = len(commands) - before
            token = (
                "" if production else json.loads(board.session.exec(f"print(open({TOKEN_FILE!r}).read())"))["token"]
            )
        return sent, count, token

    return call


def test_an_unchanged_run_sends_nothing_and_asks_once(deployed):
    first_sent, _, token = deployed()
    assert TOKEN_FILE in first_sent
    assert deployed() == ((), 1, token)
    assert hide(f"x {token} y") == "x *** y"


def test_a_token_that_is_given_is_used_and_one_that_is_lost_is_replaced(deployed, state):
    _, _, kept = deployed()
    sent, _, token = deployed(token="0" * 32)
    assert (sent, token) == ((TOKEN_FILE,), "0" * 32)
    sent, _, token = deployed()
    assert (sent, token) == ((TOKEN_FILE,), kept)
    for path in (state / "camrig").glob("*.lock"):
        path.unlink()
    sent, _, token = deployed()
    assert sent == (TOKEN_FILE,)
    assert token not in (kept, "0" * 32)
    assert deployed() == ((), 1, token)


@pytest.mark.parametrize("damaged", ["", "x", "A" * 32, "../../etc", 5, None, ["0" * 32], {}, "0" * 33, "\x1b" * 32])
def test_a_damaged_token_is_replaced(state, monkeypatch, damaged):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(state))
    board = Board("board", resolve({}, {}, ROOT))
    with lock.held("usb-a-b", "board") as held:
        held.keep_token(damaged)
        board._choose_token(held)
        assert len(held.token) == 32
        assert held.token != damaged


def test_what_is_kept_can_be_read_by_its_owner_only(deployed, state):
    _, _, token = deployed()
    (path,) = [path for path in (state / "camrig").glob("*.lock") if token in path.read_text()]
    assert os.stat(path).st_mode & 0o077 == 0


def test_a_production_deploy_removes_the_token(deployed):
    deployed()
    deployed(production=True)
    sent, _, token = deployed()
    assert TOKEN_FILE in sent
    assert token


def test_a_plain_deploy_imports_the_library_only_after_sending_it(virtual, state, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(state))
    shutil.copytree(ROOT / "lib", tmp_path / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "device", tmp_path / "device", ignore=shutil.ignore_patterns("__pycache__"))

    def steps_after(*changed: str) -> list[str]:
        for name in changed:
            with (tmp_path / name).open("a") as file:
                file.write(f"_CHANGED = {os.urandom(4).hex()!r}\n")
        folders = {"lib": str(tmp_path / "lib"), "app": str(tmp_path / "device")}
        settings = replace(resolve(folders, {}, tmp_path), wifi=WIFI)
        with Board(virtual.path, settings) as board:
            board.deploy(measure_imports=False)
            return [step.name for step in board.steps.done]

    assert "check" in steps_after("lib/microdot/cors.py")
    assert "check" not in steps_after()
    assert "check" not in steps_after("device/config.py")
    assert "check" in steps_after("lib/microdot/cors.py", "device/config.py")
