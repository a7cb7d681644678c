"""What is deployed: the right files in the right place, built for the board's own version, and nothing else."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys

import pytest
from camrig.board.identity import MpyVersion
from camrig.bringup.board import Board
from camrig.deploy.compile import compile_mpy
from camrig.deploy.contents import sources
from camrig.deploy.manifest import File, build_files, hiding_paths
from camrig.errors import DeployError, SettingsError
from camrig.settings.resolve import resolve
from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.conftest import ROOT

MPY = MpyVersion(6, 3, 0)
WIFI = {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "pass phrase"}
HERE = {**WIFI, "PYTHONPATH": str(ROOT / "rig")}  # the command of this checkout, run somewhere else


@pytest.fixture(scope="module")
def virtual():
    with VirtualBoard.start(VirtualConfig(wifi_ssid="lab", wifi_password="pass phrase")) as board:
        yield board


def mpremote(board: VirtualBoard, *arguments: str) -> str:
    command = [sys.executable, "-m", "mpremote", "connect", board.path, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def test_the_library_under_test_replaces_the_pinned_one():
    paths = sources(ROOT / "lib", ROOT / "device", None)
    assert paths["/lib/microdot/cors.py"] == ROOT / "lib" / "microdot" / "cors.py"
    assert paths["/lib/microdot/microdot.py"].name == "microdot.py"
    assert "site-packages" in str(paths["/lib/microdot/microdot.py"])


def test_the_agent_is_deployed_only_on_request():
    assert "/rig_agent.py" not in sources(ROOT / "lib", ROOT / "device", None)
    agent = ROOT / "device" / "rig_agent.py"
    assert sources(ROOT / "lib", ROOT / "device", agent)["/rig_agent.py"] == agent


@pytest.mark.parametrize(("lib", "app", "message"), [("lib", "docs", "main.py"), ("empty", "device", "empty")])
def test_a_wrong_folder_is_named(tmp_path, lib, app, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "docs").mkdir()
    with pytest.raises(SettingsError, match=message):
        sources(tmp_path / lib if lib != "lib" else ROOT / lib, tmp_path / app if app == "docs" else ROOT / app, None)


def test_boot_and_main_stay_source_and_main_comes_last():
    built = build_files(sources(ROOT / "lib", ROOT / "device", None), MPY, [File("/camrig.json", b"{}")])
    names = [file.target for file in built]
    assert names[-1] == "/main.py"
    assert "/boot.py" in names
    assert "/lib/microdot/cors.mpy" in names
    assert "/lib/microdot/cors.py" not in names


def test_a_firmware_without_mpy_gets_source():
    built = build_files(sources(ROOT / "lib", ROOT / "device", None), None, [])
    assert all(file.target.endswith(".py") for file in built)


@pytest.mark.parametrize("minor", [1, 2, 3])
def test_bytecode_is_built_for_the_boards_version(tmp_path, minor):
    source = tmp_path / "module.py"
    source.write_text("def f(x):\n    return x + 1\n")
    built = compile_mpy(source, "module.py", MpyVersion(6, minor, 0))
    assert built[:2] == b"M\x06"
    assert built == compile_mpy(source, "module.py", MpyVersion(6, minor, 0))
    assert b"module.py" in built


def test_an_unsupported_mpy_version_is_an_error(tmp_path):
    source = tmp_path / "module.py"
    source.write_text("x = 1\n")
    with pytest.raises(DeployError, match=r"9\.9"):
        compile_mpy(source, "module.py", MpyVersion(9, 9, 0))


def test_native_code_is_built_for_the_boards_architecture(tmp_path):
    source = tmp_path / "module.py"
    source.write_text("import micropython\n@micropython.native\ndef f(x):\n    return x + 1\n")
    assert compile_mpy(source, "module.py", MpyVersion(6, 3, 10))[2] >> 2 & 0xF == 10
    with pytest.raises(DeployError, match="does not compile"):
        compile_mpy(source, "module.py", MpyVersion(6, 3, 0))


def test_bytecode_of_the_library_replaces_the_pinned_source(tmp_path):
    lib, app = tmp_path / "lib", tmp_path / "app"
    (lib / "microdot").mkdir(parents=True)
    app.mkdir()
    for path in (lib / "microdot" / "cors.mpy", app / "main.py", app / "part.mpy", app / "rig_agent.mpy"):
        path.write_bytes(b"M\x06\x00\x1f")
    paths = sources(lib, app, None)
    assert "/lib/microdot/cors.mpy" in paths
    assert "/lib/microdot/cors.py" not in paths
    assert {"/part.mpy", "/main.py"} <= paths.keys()
    assert "/rig_agent.mpy" not in paths


@pytest.mark.parametrize(
    ("header", "board", "message"),
    [
        (b"M\x05\x00\x1f", MPY, r"built for .mpy version 5.0, the board loads 6.3"),
        (
            b"M\x06\x2a\x1f",
            MpyVersion(6, 3, 9),
            r"built for .mpy version 6.2 for xtensawin, the board loads 6.3 for xtensa",
        ),
        (b"M\x06\x2b\x1f", MpyVersion(6, 3, 14), r"the board loads 6.3 for architecture 14"),
        (b"M\x06\x00\x1f", None, "loads only source"),
        (b"#!python", MPY, r"is not an .mpy file"),
        (b"M", MPY, r"is not an .mpy file"),
    ],
)
def test_bytecode_that_the_board_would_refuse_is_an_error(tmp_path, header, board, message):
    (tmp_path / "part.mpy").write_bytes(header)
    with pytest.raises(DeployError, match=message):
        build_files({"/part.mpy": tmp_path / "part.mpy"}, board, [])


@pytest.mark.parametrize(("header", "board"), [(b"M\x06\x00\x1f", MPY), (b"M\x06\x2b\x1f", MpyVersion(6, 3, 10))])
def test_bytecode_that_the_board_accepts_is_deployed(tmp_path, header, board):
    (tmp_path / "part.mpy").write_bytes(header)
    assert build_files({"/part.mpy": tmp_path / "part.mpy"}, board, []) == [File("/part.mpy", header)]


def test_paths_that_would_hide_a_module():
    paths = hiding_paths(["/lib/microdot/cors.mpy", "/sensor.mpy", "/main.py", "/camrig.json"])
    assert {"/lib/microdot/cors.py", "/microdot", "/microdot.py", "/microdot.mpy", "/sensor.py", "/sensor"} <= set(
        paths
    )
    assert "/camrig" not in paths
    assert "/lib/microdot/cors.mpy" not in paths


def test_the_mpy_version_of_a_real_board_is_unpacked():
    assert str(MpyVersion.unpack(0x2B06)) == "6.3"
    assert MpyVersion.unpack(0x2B06).arch == 10


def test_the_data_of_a_file_is_in_no_representation():
    assert "secret" not in repr(File("/camrig.json", b"secret"))


def test_deploying_twice_sends_only_what_changed(virtual, tmp_path):
    settings = resolve({"device": [virtual.path]}, WIFI, tmp_path)
    with Board(virtual.path, settings) as board:
        first = board.deploy()
        second = board.deploy()
    assert "/main.py" in first.sent
    assert second.sent == ()
    assert second.kept == len(first.sent)
    listing = mpremote(virtual, "fs", "sha256sum", ":main.py")
    assert hashlib.sha256((ROOT / "device" / "main.py").read_bytes()).hexdigest() in listing


def test_a_production_deploy_has_no_agent_and_serves(virtual, tmp_path, run):
    mpremote(virtual, "fs", "touch", ":keep.txt")
    ended = run("camrig", "deploy", "--production", "--device", virtual.path, env=HERE, cwd=tmp_path)
    assert ended.code == 0, ended.out
    assert "serves at http://127." in ended.out
    assert WIFI["CAMRIG_WIFI_PASSWORD"] not in ended.out
    names = mpremote(virtual, "fs", "ls", ":").split()
    assert "main.py" in names
    assert "keep.txt" in names
    assert not [name for name in names if "rig_agent" in name or "camrig_rig" in name]


def test_static_files_are_served_as_they_are_and_what_stays_behind_is_said(tmp_path, run):
    (tmp_path / ".git").mkdir()
    app = tmp_path / "app"
    shutil.copytree(ROOT / "device", app, ignore=shutil.ignore_patterns("__pycache__"))
    pages = {"static/index.html": b"<h1>hi</h1>", "static/empty.css": b"", "static/logo.png": bytes(range(256)) * 9}
    for name, data in {**pages, "README.md": b"#", "tests/test_a.py": b"", "demo.py": b"while True: pass"}.items():
        (app / name).parent.mkdir(exist_ok=True)
        (app / name).write_bytes(data)
    main = (app / "main.py").read_text()
    assert main.count("create_app(") == 1
    (app / "camera_server.py").write_text(
        (app / "camera_server.py").read_text() + "\n\ncamera_app = create_app\n\n\ndef create_app(*args):\n"
        "    app = camera_app(*args)\n"
        "    app.get('/static/<path:p>')(lambda request, p: Response.send_file('/static/' + p))\n"
        "    return app\n"
    )
    (app / "part.html").write_text("x")
    (tmp_path / "camrig.toml").write_text(
        'app = "app"\n[deploy]\nexclude = ["part.*"]\nmount = { "/static/m/" = "m.txt" }\n'
    )
    (tmp_path / "m.txt").write_text("mounted")
    (tmp_path / "test_pages.py").write_text(
        "from pathlib import Path\n"
        f"PAGES = {[*pages]!r}\n"
        "def test_pages(dut, http):\n"
        "    for name in PAGES:\n"
        "        answer = http.get('/' + name)\n"
        "        assert answer.content == (Path('app') / name).read_bytes()\n"
        "    assert http.get('/static/m/m.txt').content == b'mounted'\n"
    )
    ended = run("pytest", "-p", "no:cacheprovider", env={"PYTHONPATH": str(ROOT / "rig")}, cwd=tmp_path)
    assert ended.code == 0, ended.out
    assert "2 files, 1 folder: README.md (documentation), part.html (exclude), tests/ (tests)" in ended.out
    assert "8 modules, 4 other files" in ended.out


def test_a_dry_run_lists_and_changes_nothing(virtual, tmp_path, run):
    command = ("camrig", "deploy", "--device", virtual.path)
    assert run(*command, env=HERE, cwd=tmp_path).code == 0
    before = mpremote(virtual, "fs", "ls", ":")
    (tmp_path / "new.bin").write_bytes(b"\xe9")
    ended = run(*command, "--dry-run", "--production", env=HERE | {"CAMRIG_FIRMWARE": "new.bin"}, cwd=tmp_path)
    assert ended.code == 0, ended.out
    shown = [line.split() for line in ended.out.splitlines()]
    assert ["keep", "/boot.py", str((ROOT / "device" / "boot.py").stat().st_size)] in shown
    assert [row[:2] for row in shown if row[:1] == ["remove"]] == [
        ["remove", "/camrig_rig.json"],
        ["remove", "/rig_agent.mpy"],
        ["remove", "/rig_agent_parts.mpy"],
    ]
    assert re.search(r"0 to send \(0 bytes\), 3 to remove, \d+ to keep", ended.out)
    assert "Nothing was changed" in ended.out
    assert WIFI["CAMRIG_WIFI_PASSWORD"] not in ended.out
    assert mpremote(virtual, "fs", "ls", ":") == before
