"""Microdot's server with limits to what one client can hold: Microdot itself waits forever for the rest of a request.

A client that stalls costs a board one of its few sockets, a task, and whatever was read or is still to be sent.
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
                request = await Request.create(self, connection, connection, writer.get_extra_info("peername"))
            except OSError:
                return  # the client is gone
            except Exception as exc:
                print("camrig: bad request:", repr(exc))
            connection.idle = None
            response = await self.dispatch_request(request)
            if response != Response.already_handled:
                await response.write(connection)
        except OSError as exc:
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
    """A client's stream, both ways. ``idle``: seconds that the server has waited for it, None while it does not."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer
        self.task = asyncio.current_task()
        self.idle = 0
        self.lines = 64  # at most, in the head of a request: more would fill a small heap

    def readline(self):
        if not self.lines:
            raise ValueError("too many headers")
        self.lines -= 1
        self.idle = 0
        return self.reader.readline()

    def readexactly(self, n):
        self.idle = 0
        return self.reader.readexactly(n)

    def read(self, n=-1):
        return self.reader.read(n)

    async def awrite(self, data):
        self.idle = 0
        await self.writer.awrite(data)
        self.idle = None  # between two frames of a stream the server does not wait for the client

    def aclose(self):
        return self.writer.aclose()

    def get_extra_info(self, name):
        return self.writer.get_extra_info(name)
