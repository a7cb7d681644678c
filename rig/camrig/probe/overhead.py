"""The rig's own share of a latency: the probe beside a bare socket loop that does the same exchanges."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from camrig.probe.client import exchange, request_bytes
from camrig.probe.preflight import preflight_headers
from camrig.redaction import child_environment

WARM_UP = 20
ORIGIN = "https://panel.example"
REQUEST = request_bytes("OPTIONS", "/api/status", "board", preflight_headers(ORIGIN, "GET"))


@dataclass(frozen=True)
class Overhead:
    """Milliseconds of whole exchanges, by the probe and by the bare loop in turn."""

    probe: tuple[float, ...]
    bare: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Median of the probe over median of the bare loop."""
        return median(self.probe) / median(self.bare)

    @property
    def ms(self) -> float:
        """What the probe adds to an exchange: the difference of the medians."""
        return median(self.probe) - median(self.bare)


def measure_overhead(rounds: int) -> Overhead:
    """Measure both against Microdot on loopback."""
    probe, bare = [], []
    with _server() as (host, port):
        for number in range(WARM_UP + rounds):
            # Each goes first equally often.
            turns = (_probe, _bare) if number % 2 else (_bare, _probe)
            times = {turn: turn(host, port) for turn in turns}
            if number >= WARM_UP:
                probe.append(times[_probe])
                bare.append(times[_bare])
    return Overhead(tuple(probe), tuple(bare))


def _probe(host: str, port: int) -> float:
    start = time.perf_counter_ns()
    exchange(host, port, REQUEST)
    return (time.perf_counter_ns() - start) / 1e6


def _bare(host: str, port: int) -> float:
    start = time.perf_counter_ns()
    with socket.socket() as connection:
        connection.settimeout(10)
        connection.connect((host, port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(REQUEST)
        data = b""
        while chunk := connection.recv(65536):
            data += chunk
    return (time.perf_counter_ns() - start) / 1e6


@contextmanager
def _server() -> Iterator[tuple[str, int]]:
    """``serve`` in another process: in this one it would compete with the probe for the interpreter."""
    command = [sys.executable, "-m", "camrig.probe.overhead"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=child_environment()) as server:
        assert server.stdout is not None
        try:
            yield "127.0.0.1", int(server.stdout.readline())
        finally:
            server.kill()


def serve() -> None:
    """Serve Microdot with its CORS on a free loopback port and print the port: the exchanges are as with a board."""
    import asyncio

    from microdot import Microdot
    from microdot.cors import CORS

    async def run() -> None:
        app = Microdot()
        CORS(app, allowed_origins=[ORIGIN])
        app.get("/api/status")(lambda request: {})
        server = asyncio.create_task(app.start_server(host="127.0.0.1", port=0))
        while app.server is None:
            await asyncio.sleep(0.01)
        print(app.server.sockets[0].getsockname()[1], flush=True)
        await server

    asyncio.run(run())


if __name__ == "__main__":
    serve()
