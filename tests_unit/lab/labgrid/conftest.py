"""A real coordinator, two exporters and ser2net on loopback, with virtual boards behind them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from camrig.errors import LabError
from camrig.lab.device_spec import Device, open_device
from camrig.lab.labgrid.connection import Connection
from camrig.lab.labgrid.environment import LabgridEnvironment, find_environment
from camrig.parent_death import signal_on_parent_death
from camrig.settings.resolve import Settings
from camrig.settings.wifi import Wifi
from camrig.virtual.board import VirtualBoard, VirtualConfig

SECONDS_TO_START = 60
NETWORK = Wifi("lab-network", "lab-password")


@dataclass
class Relay:
    """A socket with a network interface, as labgrid's driver ``simplerest`` switches it, with a board behind."""

    board: VirtualBoard
    requests: list[str] = field(default_factory=list)

    def switch(self, path: str) -> None:
        self.requests.append(path)
        if path.endswith("/1"):
            self.board.power_cycle()


@dataclass
class Lab:
    """``boards`` are the places of the first exporter, which ``camrig lab serve`` is; ``relay`` is at the second."""

    coordinator: str
    connection: Connection
    environment: LabgridEnvironment
    boards: tuple[str, str]
    relay: Relay
    served: str

    @property
    def settings(self) -> Settings:
        return Settings(coordinator=self.coordinator, wifi=NETWORK)

    def lease(
        self, place: str, wait: float = 0.0, notify: Callable[[str], None] = lambda line: None
    ) -> AbstractContextManager[Device]:
        """The place as a run would have it."""
        return open_device(f"labgrid:{place}", replace(self.settings, wait=wait), notify)

    def client(self, *arguments: str, user: str = "eve") -> str:
        """What ``labgrid-client`` prints for another user on another host."""
        done = subprocess.run(
            [self.environment.program("labgrid-client"), *arguments],
            env={**os.environ, "LG_COORDINATOR": self.coordinator, "LG_USERNAME": user, "LG_HOSTNAME": "elsewhere"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS_TO_START,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def holders(self) -> dict[str, str]:
        """Who has each place that somebody has."""
        return {place["name"]: place["by"] for place in self.connection.request("places")["places"] if place["by"]}

    def wait_until_free(self, seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while holders := self.holders():
            assert time.monotonic() < end, holders
            time.sleep(0.1)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def process(
    folder: Path, name: str, ready: str, *command: str, end_by: signal.Signals = signal.SIGTERM, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has printed ``ready``, ended with its whole group."""
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        started = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **variables},
            start_new_session=True,
            preexec_fn=partial(signal_on_parent_death, signal.SIGTERM),
        )
    try:
        end = time.monotonic() + SECONDS_TO_START
        while not re.search(ready, log.read_text(errors="replace")):
            assert started.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < end, log.read_text(errors="replace")
            time.sleep(0.05)
        yield started
    finally:
        started.send_signal(end_by)
        try:
            started.wait(15)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
            started.wait()


@contextmanager
def coordinator(folder: Path, environment: LabgridEnvironment, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A coordinator. Asked to end, it would wait five seconds for those that are connected."""
    command = (environment.program("labgrid-coordinator"), "-l", f"127.0.0.1:{port}")
    with process(folder, "coordinator", "listening on", *command, end_by=signal.SIGKILL) as started:
        yield started


@contextmanager
def relay_server(relay: Relay) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            relay.switch(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


EXPORTER = """
good:
  RawSerialPort: {{port: {port}, speed: 115200}}
  NetworkPowerPort: {{model: simplerest, host: '{url}', index: 0}}
outside: {{RawSerialPort: {{port: {outside}, speed: 115200}}}}
"""
PLACES = {
    "own": "hostb/good/*",
    "outside": "hostb/outside/*",
    "power-only": "hostb/good/NetworkPowerPort",
    "gone": "hostc/board/*",
}


@pytest.fixture(scope="session")
def labgrid_environment() -> LabgridEnvironment:
    if sys.platform != "linux":
        pytest.skip("labgrid's exporters run on Linux only")
    if shutil.which("ser2net") is None and not os.path.isfile("/usr/sbin/ser2net"):
        pytest.skip("ser2net is not installed")
    try:
        environment = find_environment()
        environment.program("labgrid-coordinator")
    except LabError as error:
        pytest.skip(str(error))
    return environment


@pytest.fixture(scope="session")
def labgrid(labgrid_environment: LabgridEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The laboratory, which lasts for the session: who acquires a place has to release it."""
    folder, environment = tmp_path_factory.mktemp("labgrid"), labgrid_environment
    address = f"127.0.0.1:{(port := free_port())}"
    with ExitStack() as stack:
        board = stack.enter_context(
            VirtualBoard.start(VirtualConfig(wifi_ssid=NETWORK.ssid, wifi_password=NETWORK.password))
        )
        relay = Relay(board)
        url = f"http://127.0.0.1:{stack.enter_context(relay_server(relay))}/relay/{{index}}/{{value}}"
        stack.enter_context(coordinator(folder, environment, port))
        file = folder / "exporter.yaml"
        file.write_text(EXPORTER.format(port=os.path.realpath(board.path), url=url, outside=folder / "no-port"))
        serve = (sys.executable, "-m", "camrig", "lab", "serve", "--virtual", "2", "--name", "hosta")
        network = {"CAMRIG_WIFI_SSID": NETWORK.ssid, "CAMRIG_WIFI_PASSWORD": NETWORK.password}
        exporter = environment.program("labgrid-exporter")
        arguments = ("-c", address, "-n", "hostb", "--hostname", "127.0.0.1", str(file))
        stack.enter_context(process(folder, "exporter", "queued update for resource outside", exporter, *arguments))
        words = (*serve, "--hil-coordinator", address, "--tag", "kind=esp32")
        stack.enter_context(process(folder, "serve", "Ctrl-C ends it", *words, **network))
        connection = stack.enter_context(closing(Connection(address)))  # the places are its own
        places = [{"name": name, "pattern": pattern, "tags": {}} for name, pattern in PLACES.items()]
        connection.request("offer", {"places": places})
        served = (folder / "serve.log").read_text()
        yield Lab(address, connection, environment, ("hosta-sim1", "hosta-sim2"), relay, served)
