"""Microdot's server with limits to what a client can hold: Microdot itself waits for ever for the rest of a request.

A client that stalls costs a board one of its few sockets, a task, and whatever was read or is still to be sent.
"""

import asyncio
import gc

from microdot import Microdot, Request, Response
from microdot.microdot import MUTED_SOCKET_ERRORS

# What a lost client looks like on a board besides Microdot's own list (newlib's and lwIP's numbers): aborted, not
# connected, timed out, unreachable.
for _errno in (103, 107, 110, 113, 116, 118):
    if _errno not in MUTED_SOCKET_ERRORS:
        MUTED_SOCKET_ERRORS.append(_errno)


def _most_sockets():
    try:
        import esp32  # noqa: F401
    except ImportError:
        return 64
    return 6  # of lwIP's ten: two listen, and one each may be opening and closing


class Server(Microdot):
    """Takes as many clients at once as the heap can bear; a few more wait their turn, and it hangs up on the rest.

    A client that is silent for ``patience_s`` seconds in the middle of a request or a response is let go; sooner when
    others wait.
    """

    patience_s = 10

    def __init__(self):
        super().__init__()
        self.connections = []
        self.most = _most_sockets()
        self.waiting = 0

    async def start_server(self, **options):
        if hasattr(gc, "mem_free"):
            # Where memory runs out between two connections, asyncio stops accepting for ever.
            gc.collect()
            self.most = min(self.most, max(3, gc.mem_free() // 8192))
        watch = asyncio.create_task(self._watch())
        try:
            await Microdot.start_server(self, **options)
        finally:
            watch.cancel()

    async def handle_request(self, reader, writer):
        connection = request = None
        try:
            # A client that waits unread costs little. Many more than these at once are as well refused.
            if self.waiting >= 8:
                return
            self.waiting += 1
            try:
                while len(self.connections) >= self.most:
                    await asyncio.sleep(0.02)
            finally:
                self.waiting -= 1
            connection = Connection(reader, writer)
            self.connections.append(connection)
            try:
                request = await Request.create(self, connection, connection, writer.get_extra_info("peername"))
            except OSError:
                return  # nobody is left to answer
            except Exception as exc:
                print("camrig: bad request:", repr(exc))
            connection.idle = None
            response = await self.dispatch_request(request)
            if response != Response.already_handled:
                await response.write(connection)
        except OSError as exc:
            print("camrig: connection lost:", repr(exc))
        finally:
            if connection in self.connections:  # it is not when it was one too many
                self.connections.remove(connection)
            try:
                await writer.aclose()
            except OSError:
                pass

    async def _watch(self):
        while True:
            await asyncio.sleep(1)
            for connection in self.connections:
                if connection.idle is not None:
                    connection.idle += 1
                    if connection.idle > (1 if self.waiting else self.patience_s):
                        connection.task.cancel()


class Connection:
    """A client's stream, both ways. ``idle``: the seconds that its turn has lasted, None while it is the server's."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer
        self.task = asyncio.current_task()
        self.idle = 0
        self.lines = 64  # of a request's head at most: more would fill a small heap

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
        self.idle = None  # between two frames of a stream there is nothing to wait for

    def aclose(self):
        return self.writer.aclose()

    def get_extra_info(self, name):
        return self.writer.get_extra_info(name)
