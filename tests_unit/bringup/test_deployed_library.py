"""What a deploy ties to the library that was named: its source, the module built from it, the file on the board."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from camrig.bringup import deployment
from camrig.bringup.board import Board
from camrig.errors import DeployError
from camrig.settings.resolve import resolve
from camrig.settings.wifi import Wifi
from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.conftest import ROOT

WIFI = Wifi("lab", "pass phrase")
LIBRARY_FILE = "/lib/microdot/cors.mpy"


@pytest.fixture(scope="module")
def virtual() -> Iterator[VirtualBoard]:
    with VirtualBoard.start(VirtualConfig(wifi_ssid=WIFI.ssid, wifi_password=WIFI.password)) as board:
        yield board


@pytest.fixture
def board(virtual: VirtualBoard, tmp_path: Path) -> Iterator[Board]:
    for name in ("lib", "device"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    settings = replace(resolve({}, {}, tmp_path), lib=tmp_path / "lib", app=tmp_path / "device", wifi=WIFI)
    with Board(virtual.path, settings) as board:
        yield board


def change(path: Path, line: str = "CHANGED = 1") -> None:
    with path.open("a") as file:
        file.write(f"\n{line}\n")


def test_the_hash_of_the_library_is_that_of_the_file_on_the_board(board, tmp_path):
    board.deploy()
    source = tmp_path / "lib/microdot/cors.py"
    (step,) = [step for step in board.steps.done if step.name == "library"]
    assert step.detail == (
        f"{LIBRARY_FILE} is {board.deployment.library_sha256[:8]}, built from {source}, "
        f"{board.deployment.library_source_sha256[:8]}"
    )
    assert board.deployment.library_file == LIBRARY_FILE
    assert board.deployment.library_sha256 == board.deployment.read_back()[LIBRARY_FILE]
    assert board.deployment.library_source == source
    assert board.deployment.library_source_sha256 == hashlib.sha256(source.read_bytes()).hexdigest()


@pytest.mark.parametrize("answer", ["", "0" * 64], ids=["missing", "another"])
def test_a_library_that_is_another_one_on_the_board_is_an_error(board, tmp_path, monkeypatch, answer):
    change(tmp_path / "lib/microdot/cors.py", f"ANSWER = {answer!r}")  # only what was sent is read back
    monkeypatch.setattr(deployment, "file_hashes", lambda session, paths: dict.fromkeys(paths, answer))
    with pytest.raises(DeployError, match=f"{LIBRARY_FILE} on the board is not the file that was built from"):
        board.deploy()


def test_a_library_that_changes_during_a_run_is_an_error(board, tmp_path):
    board.deploy()
    change(tmp_path / "lib/microdot/cors.py")
    with pytest.raises(DeployError, match=r"cors\.py has changed since this run deployed it"):
        board.deploy()


@pytest.fixture
def application(tmp_path: Path) -> Callable[[str], None]:
    """Makes the application's ``app.cors`` something else."""

    def write(cors: str) -> None:
        path = tmp_path / "device/main.py"
        text = path.read_text()
        assert text.count("import rig_agent") == 1
        path.write_text(text.replace("import rig_agent", f"import rig_agent; app.cors = {cors}"))

    return write


def test_an_application_that_answers_with_another_cors_is_an_error(board, application):
    application("type('Mine', (), {})()")
    board.deploy()
    with pytest.raises(DeployError, match=r"app\.cors is not a CORS object of microdot\.cors"):
        board.boot()


def test_a_subclass_of_the_librarys_cors_is_fine(board, application):
    application("type('Mine', (type(app.cors),), {})(app)")
    board.deploy()
    assert board.boot().url
