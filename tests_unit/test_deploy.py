"""What is deployed: the right files in the right place, built for the board's own version, and nothing else."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from rig.board.identity import MpyVersion
from rig.bringup import Board
from rig.deploy.build import compile_mpy
from rig.deploy.manifest import File, files, hiding, sources
from rig.errors import DeployError
from rig.settings import resolve
from rig.virtual.board import VirtualBoard, VirtualConfig
from tests_unit.conftest import ROOT

MPY = MpyVersion(6, 3, 0)
WIFI = {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "pass phrase"}


@pytest.fixture(scope="module")
def virtual():
    with VirtualBoard.start(VirtualConfig(wifi_ssid="lab", wifi_password="pass phrase")) as board:
        yield board


def mpremote(board: VirtualBoard, *arguments: str) -> str:
    command = [sys.executable, "-m", "mpremote", "connect", board.path, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def test_the_library_under_test_replaces_the_pinned_one():
    found = sources(ROOT / "lib", ROOT / "device", None)
    assert found["/lib/microdot/cors.py"] == ROOT / "lib" / "microdot" / "cors.py"
    assert found["/lib/microdot/microdot.py"].name == "microdot.py"
    assert "site-packages" in str(found["/lib/microdot/microdot.py"])


def test_the_agent_is_there_only_when_asked_for():
    assert "/rig_agent.py" not in sources(ROOT / "lib", ROOT / "device", None)
    agent = ROOT / "device" / "rig_agent.py"
    assert sources(ROOT / "lib", ROOT / "device", agent)["/rig_agent.py"] == agent


@pytest.mark.parametrize(("lib", "app", "words"), [("lib", "docs", "main.py"), ("results-none", "device", "Python")])
def test_wrong_folders_are_named(tmp_path, lib, app, words):
    (tmp_path / "results-none").mkdir()
    (tmp_path / "docs").mkdir()
    with pytest.raises(DeployError, match=words):
        sources(tmp_path / lib if lib != "lib" else ROOT / lib, tmp_path / app if app == "docs" else ROOT / app, None)


def test_what_starts_a_board_stays_source_and_main_comes_last():
    built = files(sources(ROOT / "lib", ROOT / "device", None), MPY, [File("/camrig.json", b"{}")])
    names = [file.target for file in built]
    assert names[-1] == "/main.py"
    assert "/boot.py" in names
    assert "/lib/microdot/cors.mpy" in names
    assert "/lib/microdot/cors.py" not in names


def test_a_firmware_without_mpy_gets_source():
    built = files(sources(ROOT / "lib", ROOT / "device", None), None, [])
    assert all(file.target.endswith(".py") for file in built)


@pytest.mark.parametrize("minor", [1, 2, 3])
def test_bytecode_is_built_for_the_boards_version(tmp_path, minor):
    source = tmp_path / "module.py"
    source.write_text("def f(x):\n    return x + 1\n")
    built = compile_mpy(source, "module.py", MpyVersion(6, minor, 0))
    assert built[:2] == b"M\x06"
    assert built == compile_mpy(source, "module.py", MpyVersion(6, minor, 0))
    assert b"module.py" in built


def test_an_unknown_version_is_an_error(tmp_path):
    with pytest.raises(DeployError, match=r"9\.9"):
        compile_mpy(tmp_path / "none.py", "none.py", MpyVersion(9, 9, 0))


def test_what_would_hide_a_module():
    found = hiding(["/lib/microdot/cors.mpy", "/sensor.mpy", "/main.py", "/camrig.json"])
    assert {"/lib/microdot/cors.py", "/microdot", "/microdot.py", "/microdot.mpy", "/sensor.py", "/sensor"} <= set(
        found
    )
    assert "/camrig" not in found
    assert "/lib/microdot/cors.mpy" not in found


def test_mpy_version_of_a_real_board():
    assert str(MpyVersion.unpack(0x2B06)) == "6.3"
    assert MpyVersion.unpack(0x2B06).arch == 10


def test_no_representation_shows_what_a_file_holds():
    assert "secret" not in repr(File("/camrig.json", b"secret"))


def test_deploying_twice_sends_only_what_changed(virtual, tmp_path):
    settings = resolve({"device": [virtual.path]}, WIFI, tmp_path)
    with Board(virtual.path, settings) as board:
        first = board.deploy()
        again = board.deploy()
    assert "/main.py" in first.sent
    assert again.sent == ()
    assert again.kept == len(first.sent)
    listing = mpremote(virtual, "fs", "sha256sum", ":main.py")
    assert hashlib.sha256((ROOT / "device" / "main.py").read_bytes()).hexdigest() in listing


def test_a_production_deploy_has_no_agent_and_serves(virtual, tmp_path, run):
    mpremote(virtual, "fs", "touch", ":keep.txt")
    ended = run("rig.cli", "deploy", "--production", "--device", virtual.path, env=WIFI, cwd=tmp_path)
    assert ended.code == 0, ended.out
    assert "serves at http://127." in ended.out
    assert WIFI["CAMRIG_WIFI_PASSWORD"] not in ended.out
    names = mpremote(virtual, "fs", "ls", ":").split()
    assert "main.py" in names
    assert "keep.txt" in names
    assert not [name for name in names if "rig_agent" in name or "camrig_rig" in name]
