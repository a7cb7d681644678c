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


def busy(app):
    """A route whose answers wait for the event that this returns; it answers in the order of its requests."""
    event, order = asyncio.Event(), []

    @app.get("/busy/<int:number>")
    async def wait(request, number):
        order.append(number)
        await event.wait()
        return str(order)

    return event, order


async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)


def test_silent_client_goes_as_soon_as_the_last_places_are_needed(app):
    async def main():
        app.max_connections = 4
        assert app.client_timeout_s > 5
        async with serving(app) as port:
            idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            await until(lambda: len(app.connections) == 2)
            answers = [await send(port) for _ in range(4)]
            assert all(answer.startswith(b"HTTP/1.0 200 OK") for answer in answers)
            assert await idle[0][0].read() == b""  # the one that came first
            await until(lambda: len(app.connections) == 1)  # the other has a place, as long as one is free
            for _, writer in idle:
                writer.close()
            await until(lambda: (app.connections, app.waiting) == ([], 0))

    run(main())


@pytest.mark.parametrize("sent", [b"GET / HT", b"GET / HTTP/1.1\r\nX: y\r\n"])
def test_half_a_head_gives_way_while_all_places_are_taken(app, sent):
    async def main():
        app.max_connections = 2
        event, _ = busy(app)
        async with serving(app) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            answer = asyncio.create_task(send(port, b"GET /busy/1 HTTP/1.1\r\n\r\n"))
            assert await reader.read() == b""
            event.set()
            assert (await answer).startswith(b"HTTP/1.0 200")
            writer.close()

    run(main())


def test_who_sent_nothing_goes_before_who_sent_half_a_head(app):
    async def main():
        app.max_connections = 4
        async with serving(app) as port:
            _, half = await asyncio.open_connection("127.0.0.1", port)
            half.write(b"GET / HTTP/1.1\r\n")
            await until(lambda: app.connections and app.connections[0].lines < 64)
            silent, writer = await asyncio.open_connection("127.0.0.1", port)
            await until(lambda: len(app.connections) == 2)
            app.connections[0].idle = 5
            assert (await send(port)).startswith(b"HTTP/1.0 200")
            assert await silent.read() == b""
            assert len(app.connections) == 1
            half.close()
            writer.close()

    run(main())


def test_silent_client_goes_while_no_place_is_left_to_come_to(app):
    async def main():
        app.max_connections = 2
        async with serving(app) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()

    run(main())


def test_head_that_comes_in_many_pieces_is_timed_as_a_whole(app):
    async def main():
        app.client_timeout_s = 1
        async with serving(app) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\n")
            closed = asyncio.create_task(reader.read())
            lines = 0
            while not closed.done():
                lines += 1
                writer.write(b"X: y\r\n")
                await asyncio.sleep(0.2)
            assert lines < 15
            writer.close()

    run(main())


def test_clients_over_the_limit_get_places_in_the_order_they_came_in(app):
    async def main():
        app.max_connections = 1
        event, order = busy(app)
        async with serving(app) as port:
            requests = []
            for number in range(6):
                requests.append(asyncio.create_task(send(port, b"GET /busy/%d HTTP/1.1\r\n\r\n" % number)))
                await until(lambda count=number: (len(app.connections), app.waiting) == (1, count))
            event.set()
            await asyncio.gather(*requests)
            assert order == list(range(6))
            assert (app.connections, app.waiting) == ([], 0)

    run(main())


@pytest.mark.parametrize("waiting", [0, 3])
def test_too_many_waiting_clients_are_refused_with_a_503(app, waiting):
    async def main():
        app.max_connections, app.max_waiting = 1, waiting
        event, _ = busy(app)
        async with serving(app) as port:
            requests = [asyncio.create_task(send(port, b"GET /busy/1 HTTP/1.1\r\n\r\n"))]
            await until(lambda: app.connections)
            requests += [asyncio.create_task(send(port)) for _ in range(waiting)]
            await until(lambda: app.waiting == waiting)
            for request in (REQUEST, b""):
                refused = await send(port, request)
                assert refused.startswith(b"HTTP/1.0 503 ")
                assert b"\r\nRetry-After: 1\r\n" in refused
            event.set()
            assert all(answer.startswith(b"HTTP/1.0 200") for answer in await asyncio.gather(*requests))

    run(main())


def test_nobody_waits_for_ever(app):
    async def main():
        app.max_connections, app.client_timeout_s = 1, 0
        busy(app)
        async with serving(app) as port:
            holder = asyncio.create_task(send(port, b"GET /busy/1 HTTP/1.1\r\n\r\n"))
            await until(lambda: app.connections)
            assert (await send(port)).startswith(b"HTTP/1.0 503 ")
            assert app.waiting == 0
            holder.cancel()

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
