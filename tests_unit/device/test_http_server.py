"""The server disconnects clients that stall, and limits how many it serves at once."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

REQUEST = b"GET /api/status HTTP/1.1\r\nHost: board\r\n\r\n"


@pytest.fixture
def app(device):
    return device("camera_server").create_app({"cors": {"allowed_origins": ["https://app.example"]}})


@asynccontextmanager
async def serving(app):
    task = asyncio.create_task(app.start_server(host="127.0.0.1", port=0))
    while app.server is None:
        await asyncio.sleep(0.001)
    yield app.server.sockets[0].getsockname()[1]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def run(main) -> None:
    asyncio.run(asyncio.wait_for(main, 20))


async def send(port, request=REQUEST) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HT", b"GET / HTTP/1.1\r\nX: y\r\n", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nbody"],
    ids=["nothing", "half a request line", "half the headers", "half a body"],
)
def test_stalled_client_is_disconnected(app, sent):
    async def main():
        app.client_timeout_s = 0
        async with serving(app) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            assert await reader.read() == b""
            writer.close()
            assert app.connections == []

    run(main())


def test_client_that_does_not_read_is_disconnected(app, device):
    class Stuck:
        """A stream whose client reads nothing."""

        closed = False

        def get_extra_info(self, name):
            return ("192.0.2.1", 1)

        async def read(self, n):
            return b"GET /capture HTTP/1.1\r\n\r\n"

        def write(self, data):
            pass

        async def drain(self):
            await asyncio.Event().wait()

        async def aclose(self):
            self.closed = True

    async def main():
        app.client_timeout_s = 0
        stream = Stuck()
        async with serving(app):
            await asyncio.gather(asyncio.create_task(app.handle_request(stream, stream)), return_exceptions=True)
        assert stream.closed
        assert app.connections == []

    run(main())


def test_pause_between_two_frames_is_not_a_stall(app):
    async def main():
        app.client_timeout_s = 0
        async with serving(app) as port:
            answer = await send(port, b"GET /stream?frames=2&interval_ms=2200 HTTP/1.1\r\n\r\n")
            assert answer.count(b"\xff\xd8\xff") == 2

    run(main())


def test_clients_over_the_limit_wait_and_idle_ones_are_disconnected_sooner(app):
    async def main():
        app.max_connections = 2
        assert app.client_timeout_s > 5
        async with serving(app) as port:
            idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            while len(app.connections) < 2:
                await asyncio.sleep(0.001)
            answers = await asyncio.gather(*[send(port) for _ in range(4)])
            assert all(answer.startswith(b"HTTP/1.0 200 OK") for answer in answers)
            for reader, writer in idle:
                assert await reader.read() == b""
                writer.close()
            assert (app.connections, app.waiting) == ([], 0)

    run(main())


def test_too_many_waiting_clients_are_refused(app):
    async def main():
        app.max_connections = 1
        async with serving(app) as port:
            idle = await asyncio.open_connection("127.0.0.1", port)
            while not app.connections:
                await asyncio.sleep(0.001)
            answers = await asyncio.gather(*[send(port) for _ in range(12)], return_exceptions=True)
            served = [a for a in answers if isinstance(a, bytes) and a.startswith(b"HTTP/1.0 200")]
            assert len(served) == 8
            idle[1].close()

    run(main())


@pytest.mark.parametrize(
    "request_bytes",
    [b"HELLO\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 70 + b"\r\n"],
    ids=["no request line", "header without colon", "70 headers"],
)
def test_bad_request_is_a_400_and_one_line_on_the_console(app, capsys, request_bytes):
    async def main():
        async with serving(app) as port:
            assert (await send(port, request_bytes)).startswith(b"HTTP/1.0 400")

    run(main())
    printed = capsys.readouterr().out
    assert printed.startswith("camrig: bad request: ")
    assert printed.count("\n") == 1


def test_failed_write_is_reported_and_the_connection_closed(app, capsys):
    class Broken:
        closed = False

        def get_extra_info(self, name):
            return ("192.0.2.1", 1)

        async def read(self, n):
            return REQUEST

        def write(self, data):
            raise OSError(105, "ENOBUFS")

        async def aclose(self):
            self.closed = True
            raise OSError(128)

    stream = Broken()
    run(app.handle_request(stream, stream))
    assert stream.closed
    assert "camrig: connection lost: " in capsys.readouterr().out


def test_request_of_a_lost_client_is_not_answered(app):
    class Gone:
        closed = False

        def get_extra_info(self, name):
            return ("192.0.2.1", 1)

        async def read(self, n):
            raise OSError(104)

        async def aclose(self):
            self.closed = True

    stream = Gone()
    run(app.handle_request(stream, stream))
    assert stream.closed
