"""Serve requests from memory, through asyncio's own streams: count calls of the socket, and bytes, exactly.

Arguments: a module and its class of application. Prints a line of JSON for each kind of request, with the calls and
the bytes that it allocates, and one for each number of clients at once, with the bytes alive at most.
"""

import asyncio
import gc
import io
import json
import sys

from microdot import Microdot
from microdot.cors import CORS

_POLL = 3  # MP_STREAM_POLL
_WRITABLE, _READABLE_AND_WRITABLE = 4, 5
PICTURE = bytes(30000)
FRAMES = 5
BODY = b'{"quality": 12, "size": "SVGA", "flash": false}'
PREFLIGHT = (
    b"OPTIONS /settings HTTP/1.1\r\nHost: 192.168.178.77:8080\r\nConnection: keep-alive\r\nAccept: */*\r\n"
    b"Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: content-type\r\n"
    b"Origin: http://192.168.178.20:3000\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 "
    b"Safari/537.36\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: empty\r\n"
    b"Referer: http://192.168.178.20:3000/\r\nAccept-Encoding: gzip, deflate\r\n"
    b"Accept-Language: en-US,en;q=0.9\r\n\r\n"
)
GET = b"GET %s HTTP/1.1\r\n" + PREFLIGHT.split(b"\r\n", 1)[1]
POST = b"POST /settings HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(BODY)
POST += PREFLIGHT.split(b"\r\n", 1)[1] + BODY
REQUESTS = (
    ("browser's preflight, 479 bytes", PREFLIGHT),
    ("small GET", GET % b"/status"),
    ("picture of 30,000 bytes", GET % b"/picture"),
    ("stream of 5 frames", GET % b"/stream"),
    ("POST with a body of 47 bytes", POST),
)
STATES = (
    ("connected", b""),
    ("half a head sent", PREFLIGHT[:250]),
    ("half a body sent", POST[:-20]),
    ("in a handler", GET % b"/slow"),
    ("a stream that waits", GET % b"/events"),
)
CLIENTS = (1, 4, 8)
TURNS = 100  # of asyncio, until all clients wait


class Wire(io.IOBase):
    """A socket in memory. A read has at most one packet's bytes, a write takes at most what a send buffer holds."""

    packet = 1436
    send_buffer = 5744

    def __init__(self, request, ends=True):
        self.request = memoryview(request)
        self.ends = ends
        self.reads = self.sends = self.sent = 0
        self.head = b""
        self.peak = None

    def ioctl(self, request, argument):
        if request != _POLL:
            return -1
        return argument & (_READABLE_AND_WRITABLE if self.request or self.ends else _WRITABLE)

    def _sample(self):
        if self.peak is not None:
            gc.collect()
            self.peak = max(self.peak, gc.mem_alloc())

    def _take(self, n):
        self.reads += 1
        self._sample()
        data = bytes(self.request[:n])
        self.request = self.request[len(data) :]
        return data

    def read(self, n=-1):
        return self._take(min(n, self.packet) if n >= 0 else self.packet)

    def readline(self):
        n = 0
        for byte in self.request:
            n += 1
            if byte == 10:
                break
        return self._take(n)

    def write(self, data):
        self.sends += 1
        self._sample()
        if not self.head:
            self.head = bytes(data[:12])
        n = min(len(data), self.send_buffer)
        self.sent += n
        return n

    def close(self):
        pass


def create_app(kind):
    app = kind()
    CORS(app, allowed_origins=["http://192.168.178.20:3000"], allowed_headers=["Content-Type"], max_age=600)
    status = {"uptime_s": 4711, "firmware": {"name": "micropython", "version": "1.26.0"}, "heap": {"free": 81234}}

    @app.get("/status")
    async def get_status(request):
        return status

    @app.get("/picture")
    async def get_picture(request):
        return PICTURE, {"Content-Type": "image/jpeg"}

    @app.get("/stream")
    async def get_stream(request):
        return Frames(), {"Content-Type": "multipart/x-mixed-replace; boundary=frame"}

    @app.get("/slow")
    async def get_slow(request):
        await asyncio.Event().wait()

    @app.get("/events")
    async def get_events(request):
        return Frames(asyncio.Event())

    @app.route("/settings", methods=["POST", "PUT"])
    async def put_settings(request):
        return {"bytes": len(request.body)}

    return app


class Frames:
    def __init__(self, pause=None):
        self.left = FRAMES
        self.pause = pause

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self.left:
            raise StopAsyncIteration
        if self.pause:
            await self.pause.wait()
        self.left -= 1
        return PICTURE[:4000]


async def exchange(app, wire):
    stream = asyncio.StreamReader(wire, {"peername": ("192.168.178.20", 50000)})
    await app.handle_request(stream, stream)


async def count(app, request):
    """Calls, bytes allocated and status of one exchange; the first, which fills caches, does not count."""
    await exchange(app, Wire(request))
    wire = Wire(request)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    await exchange(app, wire)
    allocated = gc.mem_alloc() - before
    gc.enable()
    return wire.reads, wire.sends, allocated, wire.head.decode()


async def alive(app, clients, request):
    """The bytes that this number of clients keep, once all of them wait."""
    gc.collect()
    before = gc.mem_alloc()
    tasks = [asyncio.create_task(exchange(app, Wire(request, False))) for _ in range(clients)]
    for _ in range(TURNS):
        await asyncio.sleep(0)
    gc.collect()
    kept = gc.mem_alloc() - before
    for task in tasks:
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass
    return kept


async def peak(app, clients):
    """The bytes that this number of preflights at once add at most, seen at each call of a socket."""
    wires = [Wire(PREFLIGHT) for _ in range(clients)]
    gc.collect()
    before = gc.mem_alloc()
    for wire in wires:
        wire.peak = 0
    await asyncio.gather(*[exchange(app, wire) for wire in wires])
    return max([wire.peak for wire in wires]) - before


async def main(module, name):
    gc.collect()
    before = gc.mem_alloc()
    kind = Microdot if module == "microdot" else getattr(__import__(module), name)
    gc.collect()
    retained = gc.mem_alloc() - before
    app = create_app(kind)
    print(json.dumps(["retained", retained]))
    for label, request in REQUESTS:
        print(json.dumps([label] + list(await count(app, request))))
    for clients in CLIENTS:
        for label, request in STATES:
            await alive(app, clients, request)
            print(json.dumps([clients, label, await alive(app, clients, request)]))
        await peak(app, clients)
        print(json.dumps([clients, "preflights", await peak(app, clients)]))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
