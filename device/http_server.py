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


class Done:
    """What can be awaited and takes no time: less than a coroutine."""

    def __iter__(self):
        return iter(())

    __await__ = __iter__


DONE = Done()


def _max_connections():
    try:
        import esp32  # noqa: F401
    except ImportError:
        return 64
    return 6  # of lwIP's ten sockets: two listen, one may be opening and one closing


class Server(Microdot):
    """Serves as many clients at once as the heap has room for; a few more wait their turn, the rest are refused.

    A client that is silent for ``client_timeout_s`` seconds in the middle of a request or a response is disconnected;
    sooner when others wait.
    """

    client_timeout_s = 10

    def __init__(self):
        super().__init__()
        self.connections = []
        self.max_connections = _max_connections()
        self.waiting = 0

    async def start_server(self, **options):
        if hasattr(gc, "mem_free"):
            # If memory runs out between two connections, asyncio never accepts another one.
            gc.collect()
            self.max_connections = min(self.max_connections, max(3, gc.mem_free() // 8192))
        watcher = asyncio.create_task(self._disconnect_stalled())
        try:
            await Microdot.start_server(self, **options)
        finally:
            watcher.cancel()

    async def handle_request(self, reader, writer):
        connection = request = None
        try:
            # A waiting client of which nothing was read costs little, but with this many more it is better refused.
            if self.waiting >= 8:
                return
            self.waiting += 1
            try:
                while len(self.connections) >= self.max_connections:
                    await asyncio.sleep(0.02)
            finally:
                self.waiting -= 1
            connection = Connection(reader, writer)
            self.connections.append(connection)
            try:
                connection.block = await reader.read(BLOCK)  # here, a client that sends nothing costs least
                request = await Request.create(self, connection, connection, writer.get_extra_info("peername"))
            except OSError:
                return  # the client is gone
            except Exception as exc:
                print("camrig: bad request:", repr(exc))
            connection.idle = None
            response = await self.dispatch_request(request)
            if response != Response.already_handled:
                request = None  # the heap may be needed while a client reads slowly
                await connection.respond(response)
        except OSError as exc:
            if exc.errno not in MUTED_SOCKET_ERRORS:
                print("camrig: connection lost:", repr(exc))
        finally:
            if connection in self.connections:  # not if it was refused
                self.connections.remove(connection)
            try:
                await writer.aclose()
            except OSError:
                pass

    async def _disconnect_stalled(self):
        while True:
            await asyncio.sleep(1)
            for connection in self.connections:
                if connection.idle is not None:
                    connection.idle += 1
                    if connection.idle > (1 if self.waiting else self.client_timeout_s):
                        connection.task.cancel()


class Connection:
    """A client's stream, both ways: reads blocks, and sends the head of a response together with a small body.

    ``idle``: seconds that the server has waited for the client, None while it does not.
    """

    # Of the class until they are set: a client that sends nothing costs less.
    lines = 64  # at most, in the head of a request: more would fill a small heap; None behind the head
    block = b""  # was read, and is not used yet from ``start`` on
    start = 0
    collects = False
    joins = False  # the body to the head
    buffer = None  # holds ``size`` bytes that are not sent yet
    size = 0

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer
        self.task = asyncio.current_task()
        self.idle = 0

    async def readline(self):
        if self.lines is not None:
            if not self.lines:
                raise ValueError("too many headers")
            self.lines -= 1
        self.idle = 0
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
        if not line.strip():
            self.lines = None
        return line

    def readexactly(self, n):
        if n < 0:
            raise ValueError("negative length")
        self.idle = 0
        return self._complete(n) if self.block else self.reader.readexactly(n)

    async def _complete(self, n):
        data = self.take(n)
        if len(data) < n:
            data += await self.reader.readexactly(n - len(data))
        return data

    async def read(self, n=-1):
        if n < 0:
            return self.take(BLOCK) + await self.reader.read()
        return self.take(n) if self.block else await self.reader.read(n)

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
        return self.drain(data)

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
