"""What the rig's agent needs seldom, loaded when it is asked for: counts of bytes, sides, echo, settings.

Each function answers ``/rig/NAME``.
"""

import asyncio
import gc
import io
import json
import sys
import time

from microdot import Microdot, Request

MAX_WRITES = 200  # of one response in memory, which nobody interrupts
ECHO = {}
SETTINGS_FILE = "/camrig.json"


async def echo_port(agent, request):
    """The port after the server's, on which TCP connections get back what they send first; None if it is taken."""
    if not ECHO:
        with open(SETTINGS_FILE) as f:
            port = json.load(f)["port"]
        port += 1 if port < 65535 else -1
        try:
            await asyncio.start_server(echo_once, "0.0.0.0", port)
            ECHO["port"] = port
        except OSError as exc:
            ECHO.update({"port": None, "error": str(exc)})
    return ECHO


async def echo_once(reader, writer):
    """Send back what comes first, then hang up: what TCP alone costs."""
    try:
        writer.write(await reader.read(64))
        await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
        await writer.wait_closed()


class Peak:
    """The most bytes alive at any request; None unless they are being recorded."""

    bytes = None


async def settings(agent, request):
    """Set what the query names; the answer has the values before."""
    app = agent.app
    before = {"peak": Peak.bytes, "client_timeout_s": getattr(app, "client_timeout_s", None)}
    if "peak" in request.args:
        Peak.bytes = 0 if request.args["peak"] == "1" else None
        app.dispatch_request = agent.dispatch if Peak.bytes is None else recording(agent.dispatch)
    if "client_timeout_s" in request.args:
        app.client_timeout_s = int(request.args["client_timeout_s"])
    return before


def recording(dispatch):
    """``dispatch``, which records the peak after each response."""

    async def dispatch_and_record(request):
        response = await dispatch(request)
        if Peak.bytes is not None:
            gc.collect()  # garbage does not count; request and response are still alive
            Peak.bytes = max(Peak.bytes, gc.mem_alloc())
        return response

    return dispatch_and_record


async def sides(agent, request):
    """Load fresh copies of CORS libraries, pairs of side and module, each in front of the application's routes.

    Module None: a side without CORS. The attributes of the application's own CORS object that ``policy`` names are
    copied. The answer has the milliseconds that the imports took, by side.
    """
    times = {}
    cors = agent.cors()
    for name, module in request.json:
        side = without_cors(agent)
        side.before_request_handlers = side.before_request_handlers + [enter_route]
        side.after_request(leave_route)  # before the library's own
        side.cors = cors
        if module:
            sys.modules.pop(module, None)
            gc.collect()
            before = time.ticks_us()
            __import__(module)
            times.setdefault(name, []).append(time.ticks_diff(time.ticks_us(), before) / 1000)
            side.cors = sys.modules[module].CORS(side, cors.allowed_origins)
            for attribute in request.args["policy"].split(","):
                if hasattr(cors, attribute):
                    setattr(side.cors, attribute, getattr(cors, attribute))
        add_side(agent, name, side)
    return times


def add_side(agent, name, side):
    """Send the requests that name this side through the application ``side``."""

    async def dispatch(request):
        chosen = agent.sides.get(request.headers.get("X-Rig-Side"))
        if chosen is None:
            return await agent.dispatch_app(request)
        request.app = chosen
        return await chosen.dispatch_request(request)

    agent.sides[name] = side
    agent.dispatch_side = dispatch


def without_cors(agent):
    """Another application with the same routes."""
    app = Microdot()
    app.url_map = agent.app.url_map
    app.before_request_handlers = agent.app.before_request_handlers
    app.error_handlers = agent.app.error_handlers
    return app


def enter_route(request):
    request.apart = time.ticks_us()


def leave_route(request, response):
    request.apart = time.ticks_diff(time.ticks_us(), request.apart)


async def alloc(agent, request):
    """Count bytes of the requests in the body, as they are on the wire; see ``count``."""
    # Without CORS, the difference of two counts is what CORS allocates.
    dispatch = without_cors(agent).dispatch_request if "bare" in request.args else agent.dispatch_app
    return await count(agent.app, dispatch, request.body, request.args)


async def count(app, dispatch, body, args):
    """Bytes of each of ``n`` (at most 100) turns through requests in this process, without network.

    They are those that a turn allocates with the collector off, less what it frees by itself. When turns would use up
    more than a third of the free heap, it is collected in between, because a board whose collector is off dies when
    its heap is full. With ``of=alive`` they are those alive before the first turn and after each, with ``of=peak``
    the most that a turn adds while responses are written.

    ``body`` has the requests, with a zero byte in between. A turn sends them ``times`` times, ``together``: all at
    once. Unless ``cold``, a first turn is not counted. ``heads`` are those of the responses in a last turn,
    before which ``kept`` bytes more are alive than before the first.
    """
    clients = [Client(app, dispatch, message) for message in body.split(b"\0")]
    n, of = min(int(args["n"]), 100), args.get("of")  # nobody else is served meanwhile
    turn = (clients, int(args.get("times", 1)), "together" in args)
    if "cold" not in args:
        await send(*turn)
    counts = [0] * n
    gc.collect()
    free, first = gc.mem_free(), gc.mem_alloc()
    # What an ESP32 calls free includes what its heap may still grow by, so a small one is never trusted.
    full = first + min(free // 3, free - 512 * 1024)
    start = first
    try:
        if not of:
            gc.disable()
        for i in range(n):
            if of == "peak" or (start > full and not of):
                gc.collect()
                start = gc.mem_alloc()
            for client in clients:
                client.peak = start if of == "peak" else None
            await send(*turn)
            if of == "peak":
                counts[i] = max([client.peak for client in clients]) - start
                continue
            if of:
                gc.collect()
            end = gc.mem_alloc()  # a call takes a while where the heap is large
            counts[i] = end if of else end - start
            start = end
    finally:
        gc.enable()
    gc.collect()
    kept = gc.mem_alloc() - first
    for client in clients:
        client.head, client.peak = [], None
    await send(clients, 1, False)
    return {
        "kept": kept,
        "bytes": [first] + counts if of == "alive" else counts,
        "heads": [client.head for client in clients],
    }


async def send(clients, times, together):
    """Send the request of each client."""
    for _ in range(times):
        if together:
            await asyncio.gather(*[client.send(True) for client in clients])
        else:
            for client in clients:
                await client.send(False)


class Client:
    """A client in memory, which sends the same request each time and drops the response."""

    def __init__(self, app, dispatch, request):
        self.app = app
        self.dispatch = dispatch
        self.stream = io.BytesIO(request)
        self.status = None
        self.head = None  # a list that the lines of a response are added to, and then these lines
        self.peak = None  # bytes; None unless the peak is being recorded
        self.yields = False
        self.writes = 0  # all set here: an attribute that is added later allocates

    async def send(self, yields):
        self.yields = yields
        self.stream.seek(0)
        request = await Request.create(self.app, self, self, ("127.0.0.1", 0))  # alive until the response is written
        response = await self.dispatch(request)
        self.writes = 0
        await response.write(self)
        status = response.status_code
        if status != self.status:
            if self.status is None:
                self.status = status
            elif status == 500:  # what Microdot makes of a MemoryError
                raise MemoryError("no room for a request")
            else:
                raise ValueError("the same request was answered with %d, then with %d" % (self.status, status))

    async def readline(self):
        if self.yields:
            await asyncio.sleep(0)
        return self.stream.readline()

    async def readexactly(self, n):
        return self.stream.read(n)

    async def awrite(self, data):
        self.writes += 1
        if self.writes > MAX_WRITES:
            raise ValueError("the response is a stream that does not end")
        if isinstance(self.head, list):
            self.head.append(data)
            if data == b"\r\n":
                self.head = b"".join(self.head).decode()
        if self.peak is not None:
            gc.collect()
            self.peak = max(self.peak, gc.mem_alloc())
        if self.yields:
            await asyncio.sleep(0)
