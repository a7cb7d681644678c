"""The rig's agent in the server: CORS policy, heaps, allocations, timing, echo. Never part of a production deploy.

Its routes lie under ``/rig/`` on an application of their own, without CORS, so what is under test stays as it ships.
All but ``/rig/echo`` require the header ``X-Rig-Token``. A request with the header ``X-Rig-Timing`` is answered with
``Server-Timing: app;dur=<milliseconds>``, the time in the application; no other response is changed. Once several
CORS libraries are loaded side by side, the header ``X-Rig-Side`` names the one that a request goes through, and its
time is without that of the route's own function, which would drown what CORS adds.

Each byte that this module keeps is missing on the board under test, so the rig checks and formats what it can on the
host: see camrig/probe/agent.py, the only client.
"""

import asyncio
import gc
import hashlib
import io
import os
import sys
import time

import config
import wifi
from camera_server import heap
from microdot import Microdot, Request, Response

TOKEN_FILE = "/camrig_rig.json"
MAX_WRITES = 200  # of one response in memory, which nobody interrupts
BOOT_ID = os.urandom(8).hex()
POLICY = (
    "allowed_origins",
    "allowed_methods",
    "expose_headers",
    "allowed_headers",
    "allow_credentials",
    "max_age",
    "preflight_status",
)


def attach(app, path=TOKEN_FILE):
    """Serve ``/rig/`` beside the application's own routes; False, with a line on the console, without a token."""
    try:
        token = (config.read_object(path) or {}).get("token")
        if not token or not isinstance(token, str):
            raise ValueError("no token in " + path)
    except ValueError as exc:
        print("camrig: rig agent off:", exc)
        return False
    # On the instance: every request passes here, and the application's hooks and routes are untouched.
    app.dispatch_request = Agent(app, token).dispatch
    print("camrig: rig agent on")
    return True


class Agent:
    """Passes requests on to the application, and answers ``/rig/NAME`` itself with the method ``do_NAME``."""

    def __init__(self, app, token):
        self.app = app
        self.dispatch_app = app.dispatch_request
        self.token = _digest(token)
        self.routes = Microdot()
        self.routes.route("/rig/<name>", methods=["GET", "POST", "PUT"])(self.answer)  # each pattern costs heap
        self.sides = {}  # name: the application's routes behind another CORS library
        self.peak = None  # bytes; None unless the peak is being recorded
        self.echo = None

    async def dispatch(self, request):
        if request is None:
            return await self.dispatch_app(None)
        timed = "X-Rig-Timing" in request.headers
        dispatch = self.dispatch_app
        if request.path.startswith("/rig/"):
            dispatch = self.dispatch_own
        elif self.sides:
            side = self.sides.get(request.headers.get("X-Rig-Side"))
            if side:
                request.app = side
                dispatch = side.dispatch_request
        before = request.entered = request.left = timed and time.ticks_us()
        response = await dispatch(request)
        if timed:
            us = time.ticks_diff(time.ticks_us(), before) - time.ticks_diff(request.left, request.entered)
            response.headers["Server-Timing"] = "app;dur={:.3f}".format(us / 1000)
        if self.peak is not None:
            gc.collect()  # garbage does not count; request and response are still alive
            self.peak = max(self.peak, gc.mem_alloc())
        return response

    async def dispatch_own(self, request):
        if request.path != "/rig/echo" and _digest(request.headers.get("X-Rig-Token", "")) != self.token:
            refusal = Response({"error": "X-Rig-Token is missing or wrong"}, 403)
            refusal.is_head = request.method == "HEAD"
            return refusal
        return await self.routes.dispatch_request(request)

    async def answer(self, request, name):
        method = getattr(self, "do_" + name, None)
        if not method:
            return 404
        try:
            return await method(request)
        except Exception as exc:
            return {"error": "{}: {}".format(type(exc).__name__, exc)}, 400

    async def do_about(self, request):
        if not self.echo:
            port = config.load()["port"]
            port += 1 if port < 65535 else -1
            self.echo = {"port": port}
            try:
                await asyncio.start_server(echo_once, "0.0.0.0", port)
            except OSError as exc:
                self.echo = {"port": None, "error": str(exc)}
        module = sys.modules.get("microdot.cors")
        return {
            "cors_file": getattr(module, "__file__", None),
            "cors_used": isinstance(getattr(self.app, "cors", None), getattr(module, "CORS", ())),
            "boot_id": BOOT_ID,
            "reset_cause": config.reset_cause(),
            "wifi": {"rssi": wifi.rssi(), "channel": wifi.channel(), "pm": wifi.power_save()},
            "echo": self.echo,
        }

    async def do_alloc(self, request):
        """Count bytes of the requests in the body, as they are on the wire; see ``count``."""
        # Without CORS, the difference of two counts is what CORS allocates.
        dispatch = self.without_cors().dispatch_request if "bare" in request.args else self.dispatch_app
        return await count(self.app, dispatch, request.body, request.args)

    async def do_echo(self, request):
        if request.method != "POST":
            return "ok"
        return request.body, {"Content-Type": request.content_type or "application/octet-stream"}

    async def do_heap(self, request):
        gc.collect()
        sizes = heap()
        sizes["connections"] = len(self.app.connections) if hasattr(self.app, "connections") else None
        return sizes

    async def do_policy(self, request):
        if request.method == "PUT":
            changes = request.json
            for app in [self.app] + list(self.sides.values()):
                for name in changes:
                    setattr(app.cors, name, changes[name])
        return {name: getattr(self.app.cors, name, 200) for name in POLICY}  # only preflight_status may be absent

    async def do_run(self, request):
        """Run the body, Python source that sees ``agent`` and ``app``: what one test needs beside the application."""
        exec(request.body.decode(), {"agent": self, "app": self.app})
        return {}

    async def do_settings(self, request):
        """Set what the query names; the answer has the values before."""
        before = {"peak": self.peak, "client_timeout_s": getattr(self.app, "client_timeout_s", None)}
        if "peak" in request.args:
            self.peak = 0 if request.args["peak"] == "1" else None
        if "client_timeout_s" in request.args:
            self.app.client_timeout_s = int(request.args["client_timeout_s"])
        return before

    async def do_sides(self, request):
        """Load fresh copies of CORS libraries, pairs of side and module, each in front of the application's routes.

        Module None: a side without CORS. The answer has the milliseconds that the imports took, by side.
        """
        times = {}
        cors = self.app.cors
        for name, module in request.json:
            side = self.without_cors()
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
                for attribute in POLICY:
                    if hasattr(cors, attribute):
                        setattr(side.cors, attribute, getattr(cors, attribute))
            self.sides[name] = side
        return times

    def without_cors(self):
        """Another application with the same routes."""
        app = Microdot()
        app.url_map = self.app.url_map
        app.before_request_handlers = self.app.before_request_handlers
        app.error_handlers = self.app.error_handlers
        return app


def enter_route(request):
    request.entered = time.ticks_us()


def leave_route(request, response):
    request.left = time.ticks_us()


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


def _digest(token):
    # Digests are compared instead of tokens, so that the time taken tells nothing about the token.
    return hashlib.sha256(token.encode()).digest()
