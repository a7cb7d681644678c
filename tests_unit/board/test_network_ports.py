"""Boards behind a network port: RFC 2217 servers with and without control lines, and a bare TCP socket."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator

import pytest
from camrig.board.session import Session
from camrig.board.transport import Transport
from camrig.errors import PortError
from camrig.virtual.board import VirtualBoard, VirtualConfig
from serial import rfc2217


class ServerPort:
    """The server's port, as pyserial's RFC 2217 manager uses it. ``changes`` are those of its control lines."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, object]] = []
        for name in ("baudrate", "bytesize", "parity", "stopbits", "xonxoff", "rtscts"):
            object.__setattr__(self, name, 0)
        for name in ("cts", "dsr", "ri", "cd", "rts", "dtr"):
            object.__setattr__(self, name, False)

    def __setattr__(self, name: str, value: object) -> None:
        if name in ("dtr", "rts"):
            self.changes.append((name, value))
        object.__setattr__(self, name, value)

    def reset_input_buffer(self) -> None: ...

    def reset_output_buffer(self) -> None: ...


@contextlib.contextmanager
def server(board: VirtualBoard, server_port: ServerPort | None, lines: bool) -> Iterator[int]:
    """A TCP port to the board. With ``server_port`` it speaks RFC 2217, with control lines if ``lines``."""
    with open(board.path, "rb+", buffering=0) as end, socket.create_server(("127.0.0.1", 0)) as listener:
        stop, wake = socket.socketpair()

        def serve() -> None:
            if stop in select.select([listener, stop], [], [])[0]:
                return None
            client, _ = listener.accept()
            with client:
                lock = threading.Lock()

                class Out:
                    def write(self, data: bytes) -> None:
                        with lock:
                            client.sendall(data)

                class Manager(rfc2217.PortManager):
                    def rfc2217_send_subnegotiation(self, option: bytes, value: bytes = b"") -> None:
                        refused = option == rfc2217.SERVER_SET_CONTROL and not lines
                        super().rfc2217_send_subnegotiation(option, b"\x00" if refused else value)

                manager = Manager(server_port, Out()) if server_port else None
                while True:
                    ready, _, _ = select.select([client, end, stop], [], [])
                    if stop in ready:
                        return None
                    if client in ready:
                        data = client.recv(4096)
                        if not data:
                            return serve() if manager else None
                        end.write(b"".join(manager.filter(data)) if manager else data)
                    if end in ready:
                        data = end.read(4096)
                        client.sendall(b"".join(manager.escape(data)) if manager else data)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            wake.send(b"x")
            thread.join(10)
            stop.close()
            wake.close()


@pytest.fixture(scope="module")
def board() -> Iterator[VirtualBoard]:
    with VirtualBoard.start(VirtualConfig()) as virtual_board:
        yield virtual_board


def answers(url: str) -> bool:
    session = Session(url, 115200)
    try:
        session.repl()
        return session.exec("print(6 * 7)").strip() == "42"
    finally:
        session.close()


def test_a_board_answers_through_a_tcp_socket(board):
    with server(board, None, False) as port:
        assert answers(f"socket://127.0.0.1:{port}")


def test_a_board_answers_through_an_rfc2217_server_without_lines(board):
    with server(board, ServerPort(), lines=False) as port:
        assert answers(f"rfc2217://127.0.0.1:{port}")


def test_an_rfc2217_server_sets_the_control_lines(board):
    server_port = ServerPort()
    with server(board, server_port, lines=True) as port:
        transport = Transport(f"rfc2217://127.0.0.1:{port}", 115200)
        try:
            assert server_port.changes == [("dtr", False), ("rts", False)]
            assert transport.pulse()
            assert ("rts", True) in server_port.changes
            assert server_port.changes[-1] == ("rts", False)
        finally:
            transport.close()


def test_a_server_that_goes_away_is_a_lost_port(board):
    with server(board, None, False) as port:
        transport = Transport(f"socket://127.0.0.1:{port}", 115200)
    try:
        with pytest.raises(PortError, match="the port was lost"):
            transport.run("1", 5)
    finally:
        transport.close()


def test_an_unknown_protocol_is_named():
    with pytest.raises(PortError, match="carrier-pigeon"):
        Transport("carrier-pigeon://roof", 115200)
