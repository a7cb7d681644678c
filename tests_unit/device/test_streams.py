"""Streams never take the last place of http_server, and one that is refused is refused in an answer."""

from __future__ import annotations

import asyncio

import pytest
from microdot import Request, Response
from microdot.cors import CORS
from microdot.websocket import with_websocket

from tests_unit.device.test_http_server import run, send, serving, until

PAGE = "https://panel.example"
STREAM = f"GET /ticks HTTP/1.1\r\nOrigin: {PAGE}\r\n\r\n".encode()
UPGRADE = (
    b"GET /socket HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Ticks:
    """A stream without an end."""

    closed = 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        await asyncio.sleep(0.01)
        return b"tick\n"

    async def aclose(self):
        Ticks.closed += 1


@pytest.fixture
def app(device):
    app = device("http_server").Server()
    CORS(app, allowed_origins=[PAGE])
    app.max_connections = 6

    @app.get("/ticks")
    async def ticks(request):
        return Ticks()

    @app.get("/known")
    async def known(request):
        return Response(Ticks(), headers={"Content-Length": "1000000"})

    @app.get("/quick")
    async def quick(request):
        return "quick"

    @app.get("/socket")
    @with_websocket
    async def socket(request, ws):
        while True:
            await ws.send(await ws.receive())

    return app


async def watch(port, request=STREAM, first=b"tick"):
    """A client of an open stream."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await reader.readuntil(first)
    return reader, writer


async def close(clients):
    for _, writer in clients:
        writer.close()


@pytest.mark.parametrize(("most", "served"), [(6, 4), (3, 3), (1, 1), (0, 0)])
def test_streams_leave_a_place_and_those_beyond_are_refused_readably(app, most, served):
    async def main():
        app.max_streams = most
        async with serving(app) as port:
            viewers = [await watch(port) for _ in range(served)]
            assert app.streams == served
            closed = Ticks.closed
            refused = await send(port, STREAM)
            assert refused.startswith(b"HTTP/1.0 503 ")
            head = refused.decode()
            assert f"\r\nAccess-Control-Allow-Origin: {PAGE}\r\n" in head
            assert int(head.split("Retry-After: ")[1].split("\r\n")[0]) > 0
            assert head.endswith('{"error": "as many streams are open as this server serves at once"}')
            assert Ticks.closed == closed + 1  # what the application made is closed
            assert (await send(port, b"GET /quick HTTP/1.1\r\n\r\n")).endswith(b"quick")
            await close(viewers)

    run(main())


def test_place_of_a_stream_that_ends_is_free_for_the_next(app):
    async def main():
        app.max_streams = 1
        async with serving(app) as port:
            for _ in range(3):  # each opens right as the one before leaves, as at a reload
                viewer = await watch(port)
                viewer[1].transport.abort()
            await until(lambda: app.streams == 0)

    run(main())


def test_client_that_does_not_read_gives_its_place_to_the_next_viewer(app):
    async def main():
        app.max_streams = 1
        async with serving(app) as port:
            viewer = await watch(port)
            stalled = app.connections[0]
            await until(lambda: stalled.idle is None)
            stalled.drain = lambda data=b"": asyncio.sleep(600)
            await asyncio.sleep(0.05)
            stalled.idle = 2 * 10
            following = await watch(port)
            assert stalled not in app.connections
            await close([viewer, following])

    run(main())


def test_what_has_a_length_or_is_excepted_does_not_count_as_a_stream(app):
    async def main():
        app.max_streams = 0
        async with serving(app) as port:
            clients = [await watch(port, b"GET /known HTTP/1.1\r\n\r\n")]
            app.is_stream = lambda response: False
            clients.append(await watch(port))
            assert app.streams == 0
            await close(clients)

    run(main())


def test_websockets_are_streams_and_may_be_silent(app):
    async def main():
        app.max_streams, app.client_timeout_s = 1, 0
        async with serving(app) as port:
            reader, writer = await watch(port, UPGRADE, b"\r\n\r\n")
            assert app.streams == 1
            assert (await send(port, UPGRADE)).startswith(b"HTTP/1.0 503 ")
            await asyncio.sleep(0.3)  # longer than a client may be silent in the middle of a request
            writer.write(b"\x81\x82\x00\x00\x00\x00hi")
            assert await reader.readexactly(4) == b"\x81\x02hi"
            writer.close()
            await until(lambda: app.streams == 0)

    run(main())


def test_body_that_the_application_reads_may_be_followed_by_long_work(app, monkeypatch):
    monkeypatch.setattr(Request, "max_body_length", 4)

    async def work(request):
        await request.stream.read(4)
        await request.stream.readexactly(2)
        await request.stream.readline()
        await asyncio.sleep(0.3)
        return "done"

    async def main():
        app.client_timeout_s = 0
        app.post("/work")(work)
        async with serving(app) as port:
            body = b"POST /work HTTP/1.1\r\nContent-Length: 11\r\n\r\nbodybyline\n"
            assert (await send(port, body)).endswith(b"done")
            assert await send(port, body[:-9]) == b""  # a client that stalls in it

    run(main())


@pytest.mark.parametrize(("sockets", "most"), [(10, 9), (9, 8), (3, 3), (0, 3), (None, 63)])
def test_clients_served_at_once_depend_on_the_sockets_that_are_free(app, monkeypatch, sockets, most):
    opened = []

    class Limited:
        def __init__(self):
            if len(opened) == sockets:
                raise OSError(23)
            opened.append(self)

        def close(self):
            opened.remove(self)

    async def main():
        app.max_connections = None
        monkeypatch.setattr("socket.socket", Limited)
        monkeypatch.setattr("microdot.Microdot.start_server", nothing)
        await app.start_server()
        assert app.max_connections == most
        assert opened == []

    async def nothing(*args, **options):
        pass

    run(main())


def test_max_connections_of_the_application_stands(app):
    async def main():
        async with serving(app):
            assert app.max_connections == 6

    run(main())
