"""Microdot's server with few socket calls, and with limits to what one client can hold.

Microdot reads the head of a request line by line and sends that of a response header by header, each with a socket
call and mostly in a packet of its own. It also waits forever for the rest of a request: a client that stalls costs a
board one of its few sockets, a task, and whatever was read or is still to be sent.

This file needs nothing but MicroPython and Microdot: see docs/server.md.
"""

import asyncio
import gc

from microdot import Microdot, Request, Response
from microdot.microdot import MUTED_SOCKET_ERRORS

# How a lost client shows on a board, besides the numbers in Microdot's list (newlib and lwIP): aborted, not
# connected, timed out, unreachable.
for _errno in (103, 107, 110, 113, 116, 118):
    if _errno not in MUTED_SOCKET_ERRORS:
        MUTED_SOCKET_ERRORS.append(_errno)

BLOCK = 512  # bytes that are read at once: most heads of browsers are shorter
SEGMENT = 1024  # bytes that are collected to be sent at once: less than a TCP segment
LINES = 64  # at most, in the head of a request: more would fill a small heap
TICKS = 10  # in a second: how often stalled clients are looked for
FULL = b"HTTP/1.0 503 N/A\r\nRetry-After: 1\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\nno place"
STREAMS = "as many streams are open as this server serves at once"


class Done:
    """What can be awaited and takes no time: less than a coroutine."""

    def __iter__(self):
        return iter(())

    __await__ = __iter__


DONE = Done()

try:
    sleep_ms = asyncio.sleep_ms
except AttributeError:  # CPython

    def sleep_ms(ms):
        return asyncio.sleep(ms / 1000)


def free_sockets():
    """The sockets that can still be opened, found by trying: lwIP has ten on an ESP32. 64 where there are many."""
    import socket

    sockets = []
    try:
        while len(sockets) < 16:
            sockets.append(socket.socket())
    except OSError:
        pass
    for s in sockets:
        s.close()
    return len(sockets) if len(sockets) < 16 else 64


class Server(Microdot):
    """Keeps a place for everybody: neither streams nor clients that are silent can take the last one.

    A client that is silent for ``client_timeout_s`` seconds in the middle of a request or a response is disconnected.
    When the last places are taken, the one that has sent least goes at once. No more than ``max_streams`` responses
    that last are open at a time, and two fewer than ``max_connections``.
    """

    client_timeout_s = 10
    max_connections = None  # clients that are served at once; None: as many as sockets and heap allow
    max_streams = 6
    max_waiting = 8  # clients of which nothing was read yet; more are refused

    def __init__(self):
        super().__init__()
        self.connections = []
        self.queue = []

    @property
    def waiting(self):
        """How many clients wait for a place."""
        return len(self.queue)

    @property
    def streams(self):
        """How many streams are open."""
        return sum([connection.streams for connection in self.connections])

    def is_stream(self, response):
        """Whether a response may last until its client leaves. To be overridden where this is not enough."""
        return hasattr(response.body, "__anext__") and "Content-Length" not in response.headers

    async def start_server(self, **options):
        if self.max_connections is None:
            self.max_connections = max(3, free_sockets() - 1)  # one listens
            if hasattr(gc, "mem_free"):
                # If memory runs out between two connections, asyncio never accepts another one.
                gc.collect()
                self.max_connections = min(self.max_connections, max(3, gc.mem_free() // 8192))
        watcher = asyncio.create_task(self._watch())
        try:
            await Microdot.start_server(self, **options)
        finally:
            watcher.cancel()

    async def handle_request(self, reader, writer):
        connection = Connection(reader, writer)
        request = None
        try:
            if len(self.connections) + 2 >= self._limit():  # the next client might find no place
                self._make_room(0, 2 if len(self.connections) + 1 < self._limit() else 0)
                if (self.queue or len(self.connections) >= self._limit()) and not await self._wait(connection):
                    return
            self.connections.append(connection)
            try:
                connection.block = await reader.read(BLOCK)  # here, a client that sends nothing costs least
                request = await Request.create(self, connection, connection, writer.get_extra_info("peername"))
            except OSError:
                return  # the client is gone
            except Exception as exc:
                print("camrig: bad request:", repr(exc))
            connection.idle = None
            connection.server = self
            response = await self.dispatch_request(request)
            if response != Response.already_handled:
                request = None  # the heap may be needed while a client reads slowly
                if (
                    not isinstance(response.body, bytes)
                    and self.is_stream(response)
                    and not await self.admit(connection)
                ):
                    await refuse_stream(response)
                await connection.respond(response)
        except OSError as exc:
            if exc.errno not in MUTED_SOCKET_ERRORS:
                print("camrig: connection lost:", repr(exc))
        finally:
            if connection in self.connections:  # not if it was refused, or had to go
                self.connections.remove(connection)
            try:
                await writer.aclose()
            except OSError:
                pass

    async def admit(self, connection):
        """Whether the connection may be a stream from now on. One that leaves, as at a reload, has a second to go."""
        for _ in range(TICKS):
            if self.streams < min(self.max_streams, self._limit() - 2):
                connection.streams = True
                return True
            for viewer in self.connections:
                # Its client vanished, or reads so slowly that it sees nothing.
                if viewer.streams and viewer.idle is not None and viewer.idle >= 2 * TICKS:
                    self._disconnect(viewer)
                    break
            else:
                if len(self.connections) + 1 >= self._limit():
                    break  # the places that are left are for others
                await sleep_ms(1000 // TICKS)
        return False

    def _limit(self):
        return self.max_connections or 64  # before the server is started

    async def _wait(self, connection):
        """Wait for a place, in the order in which clients came; False if there is none in time, or if many wait."""
        if len(self.queue) < self.max_waiting:
            self.queue.append(connection)
            try:
                for _ in range(50 * self.client_timeout_s + 1):
                    if self.queue[0] is connection and len(self.connections) < self._limit():
                        return True
                    await asyncio.sleep(0.02)
            finally:
                self.queue.remove(connection)
        try:
            await asyncio.wait_for(connection.reader.read(BLOCK), 0.2)  # what is left unread loses the answer
        except asyncio.TimeoutError:
            pass
        connection.writer.write(FULL)
        await connection.writer.drain()
        return False

    def _make_room(self, silent, half):
        """Disconnect a client that sent nothing for that many ticks, or else half a head, or else stalls later on."""
        chosen = None
        for connection in self.connections:
            if connection.idle is not None and not connection.streams:
                patience = connection.patience(silent, half)
                if connection.idle >= patience and (chosen is None or (connection.lines or 0) > (chosen.lines or 0)):
                    chosen = connection
        if chosen:
            self._disconnect(chosen)

    def _disconnect(self, connection):
        self.connections.remove(connection)
        connection.task.cancel()

    async def _watch(self):
        while True:
            await sleep_ms(1000 // TICKS)
            for connection in self.connections:
                if connection.idle is not None:
                    connection.idle += 1
                    if connection.idle > self.client_timeout_s * TICKS:
                        self._disconnect(connection)
            if len(self.connections) + 1 >= self._limit():
                self._make_room(2, 2)


async def refuse_stream(response):
    """Make this response the refusal of a stream. It keeps the application's headers, so that a page can read it."""
    if hasattr(response.body, "aclose"):
        await response.body.aclose()
    response.body = b'{"error": "%s"}' % STREAMS.encode()
    response.status_code = 503
    response.reason = None
    response.headers["Content-Type"] = "application/json"
    response.headers["Retry-After"] = "5"


class Connection:
    """A client's stream, both ways: reads blocks, and sends the head of a response together with a small body.

    ``idle``: ticks that the server has waited for the client, None while it does not.
    """

    # Of the class until they are set: a client that sends nothing costs less.
    server = None
    streams = False
    lines = LINES  # that may follow in the head of a request; None behind it
    block = b""  # was read, and is not used yet from ``start`` on
    start = 0
    collects = False
    joins = None  # the body to the head; None before there is a response
    buffer = None  # holds ``size`` bytes that are not sent yet
    size = 0

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer
        self.task = asyncio.current_task()
        self.idle = 0

    def patience(self, silent, half):
        """The ticks that a full server waits for this client, which has sent nothing, half a head, or a head."""
        if self.lines:
            return silent if self.lines == LINES else half
        return TICKS if self.server else TICKS // 2  # for what a client reads, or for a body

    async def readline(self):
        if self.lines is None:
            self.wait(0)
        else:  # a head counts as a whole, however many pieces it comes in
            if not self.lines:
                raise ValueError("too many headers")
            self.lines -= 1
        line = b""
        end = 0
        while not end:
            if not self.block:
                self.block = await self.reader.read(BLOCK)
                if not self.block:
                    break  # the client sends no more
            end = self.block.find(b"\n", self.start) + 1
            piece = self.take(end - self.start if end else BLOCK)
            # Of a line that Microdot will refuse for its length, the rest is dropped.
            if self.lines is None or len(line) <= Request.max_readline:
                line += piece
        if self.lines is None:
            self.wait(None)
        elif not line.strip():
            self.lines = None
        return line

    async def readexactly(self, n):
        if n < 0:
            raise ValueError("negative length")
        data = self.take(n) if self.block else b""
        if len(data) < n:
            self.wait(0)
            rest = await self.reader.readexactly(n - len(data))
            self.wait(None)
            data = data + rest if data else rest
        return data

    async def read(self, n=-1):
        if n >= 0 and self.block:
            return self.take(n)
        self.wait(0)
        data = self.take(BLOCK) + await self.reader.read(n) if self.block else await self.reader.read(n)
        self.wait(None)
        return data

    def wait(self, idle):
        """Count how long a read of the application takes; one of a WebSocket may take any time."""
        if not self.streams:
            self.idle = idle

    def take(self, n):
        data = self.block[self.start : self.start + n]
        self.start += len(data)
        if self.start == len(self.block):
            self.block = b""
            self.start = 0
        return data

    async def respond(self, response):
        """Write a response. A body that is still to be read or generated may take time, so the head goes first."""
        self.joins = isinstance(response.body, bytes)
        self.collects = True
        await response.write(self)
        await self.drain()

    def awrite(self, data):
        if self.collects:
            if self.size + len(data) <= SEGMENT:
                if not self.buffer:
                    self.buffer = bytearray(SEGMENT)
                self.buffer[self.size : self.size + len(data)] = data
                self.size += len(data)
                if self.joins or data != b"\r\n":
                    return DONE
                self.collects = False  # behind the head
                return self.drain()
        return self.drain(data) if self.joins is not None else self.open(data)

    async def open(self, data):
        """The application writes by itself, such as to a WebSocket."""
        self.joins = False
        if not await self.server.admit(self):
            self.server.abort(503, STREAMS)
        await self.drain(data)

    async def drain(self, data=b""):
        """Send what was collected, then ``data``."""
        self.idle = 0
        writer = self.writer
        if self.size:
            collected = memoryview(self.buffer)[: self.size]
            writer.write(collected)
            collected = self.buffer = None
            self.size = 0
            await writer.drain()
        if len(data) > SEGMENT and getattr(writer, "out_buf", None) == b"":
            # MicroPython's write() copies what the socket does not take at once, drain() sends it from where it is.
            writer.out_buf = memoryview(data)
        elif data:
            writer.write(data)
        if data:
            await writer.drain()
        self.idle = None  # between two frames of a stream the server does not wait for the client

    def aclose(self):
        return self.writer.aclose()

    def get_extra_info(self, name):
        return self.writer.get_extra_info(name)
