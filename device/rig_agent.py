"""The rig's hand inside the server: policy, heaps, allocations, timing, echo. Never part of a production deploy.

Its routes live under ``/rig/`` on an application of their own, without CORS, so what is under test stays as it ships.
All but ``/rig/echo`` ask for the header ``X-Rig-Token``. A request with the header ``X-Rig-Timing`` is answered with
``Server-Timing: app;dur=<milliseconds>``, the time in the application; no other response is touched. Once several
CORS libraries are loaded side by side, the header ``X-Rig-Side`` names the one that a request goes through.
"""

import asyncio
import binascii
import gc
import io
import json
import os
import sys
import time

import config
import microdot
import wifi
from camera_server import heap
from microdot import Microdot, Request, Response

TOKEN_FILE = "/camrig_rig.json"
_SMALL_HEAP = 512 * 1024
BOOT_ID = binascii.hexlify(os.urandom(8)).decode()

_LISTS = ("allowed_origins", "allowed_methods", "expose_headers", "allowed_headers")
_POLICY = _LISTS + ("allow_credentials", "max_age", "preflight_status")


def attach(app, path=TOKEN_FILE):
    """Serve ``/rig/`` beside the application's own routes; False, with a line on the console, without a token."""
    try:
        token = (config.read_object(path) or {}).get("token")
    except ValueError as exc:
        print("camrig: rig agent off:", exc)
        return False
    if not token or not isinstance(token, str):
        print("camrig: rig agent off: no token in", path)
        return False
    token = token.encode()
    original = app.dispatch_request
    bare = Microdot()
    state = {"peak": None}  # bytes; None while nobody asks
    sides = {}  # name: the application's routes behind another CORS library
    _routes(bare, app, original, state, sides)

    async def dispatch(request):
        if request is None:
            return await original(None)
        timed = "X-Rig-Timing" in request.headers
        handle = reply if request.path.startswith("/rig/") else original
        side = sides and sides.get(request.headers.get("X-Rig-Side"))
        if side and handle is original:
            request.app = side
            handle = side.dispatch_request
        before = timed and time.ticks_us()
        response = await handle(request)
        if timed:
            us = time.ticks_diff(time.ticks_us(), before)
            response.headers["Server-Timing"] = "app;dur={:.3f}".format(us / 1000)
        if state["peak"] is not None:
            gc.collect()  # what is dead is no need of the application's; request and response still live
            state["peak"] = max(state["peak"], gc.mem_alloc())
        return response

    async def reply(request):
        if request.path != "/rig/echo" and not _same(request.headers.get("X-Rig-Token"), token):
            refusal = Response({"error": "X-Rig-Token is missing or wrong"}, 403)
            refusal.is_head = request.method == "HEAD"
            return refusal
        return await bare.dispatch_request(request)

    # On the instance: every request passes here, and the application's hooks and routes are untouched.
    app.dispatch_request = dispatch
    print("camrig: rig agent on")
    return True


def _routes(bare, app, original, state, sides):
    async def echo(request):
        if request.method != "POST":
            return "ok"
        return request.body, {"Content-Type": request.content_type or "application/octet-stream"}

    async def policy(request):
        if request.method != "PUT":
            return _policy(app.cors)
        try:
            change = _object(request)
            for name in change:
                _check(name, change[name])
        except ValueError as exc:
            return {"error": str(exc)}, 400
        for one in [app] + list(sides.values()):
            for name in change:
                setattr(one.cors, name, change[name])
        return _policy(app.cors)

    async def load(request):
        """Set each library of ``sides``, pairs of name and module, before the application's routes, in that order."""
        try:
            for name, module in _object(request).get("sides", []):
                __import__(module)
                side = Microdot()
                side.url_map = app.url_map
                side.before_request_handlers = app.before_request_handlers
                side.error_handlers = app.error_handlers
                side.cors = sys.modules[module].CORS(side, app.cors.allowed_origins)
                sides[name] = side
        except (ValueError, TypeError, ImportError, AttributeError) as exc:
            return {"error": "a library cannot be loaded: " + repr(exc)}, 400
        return {"sides": sorted(sides)}

    async def heaps(request):
        if request.args.get("collect") != "0":
            gc.collect()
        both = heap()
        return {
            "gc": {"free": both["free"], "alloc": both["alloc"]},
            "idf": both["idf"],
            "connections": len(app.connections) if hasattr(app, "connections") else None,
            "uptime_ms": _ticks_ms(),
        }

    async def settings(request):
        found = {"peak": state["peak"], "patience_s": getattr(app, "patience_s", None)}
        if "peak" in request.args:
            state["peak"] = 0 if request.args["peak"] != "0" and hasattr(gc, "mem_alloc") else None
        if "patience_s" in request.args:
            app.patience_s = int(request.args["patience_s"])
        return found

    async def alloc(request):
        try:
            order = _object(request)
            raw = _render(order)
            n = order.get("n", 1)
            if isinstance(n, bool) or not isinstance(n, int) or n < 1:
                raise ValueError("n must be a whole number of at least 1")
        except ValueError as exc:
            return {"error": str(exc)}, 400
        if not hasattr(gc, "mem_alloc"):
            return {"error": "this interpreter cannot count allocations"}, 501
        dispatch = original
        if order.get("bare"):
            # The same routes, without CORS: the difference of two counts is what CORS allocates.
            twin = Microdot()
            twin.url_map = app.url_map
            dispatch = twin.dispatch_request
        try:
            return await count(app, dispatch, raw, n)
        except ValueError as exc:
            return {"error": str(exc)}, 400
        except MemoryError:
            gc.collect()
            return {"error": "not enough memory for a request without the collector"}, 503

    async def about(request):
        module = sys.modules.get("microdot.cors")
        if "echo" not in state:
            port = config.load()["port"]
            port += 1 if port < 65535 else -1
            state["echo"] = {"port": port}
            try:
                await asyncio.start_server(serve, "0.0.0.0", port)
            except OSError as exc:
                state["echo"] = {"port": None, "error": str(exc)}
        return {
            "cors_file": getattr(module, "__file__", None),
            "microdot": getattr(microdot, "__version__", None),
            "boot_id": BOOT_ID,
            "reset_cause": config.reset_cause(),
            "wifi": {"rssi": wifi.rssi(), "channel": wifi.channel(), "pm": wifi.power_save()},
            "echo": state["echo"],
        }

    async def reset(request):
        try:
            import machine
        except ImportError:
            return {"error": "this interpreter cannot reset"}, 501

        async def later():
            await asyncio.sleep(0.3)  # the answer leaves first
            machine.reset()

        bare.task = asyncio.create_task(later())
        return {"reset": True}, 202

    orders = {
        "about": about,
        "alloc": alloc,
        "echo": echo,
        "heap": heaps,
        "policy": policy,
        "reset": reset,
        "settings": settings,
        "sides": load,
    }

    @bare.route("/rig/<name>", methods=["GET", "POST", "PUT"])  # one pattern: each costs heap
    async def handle(request, name):
        return await orders[name](request) if name in orders else ({"error": "no such order"}, 404)


async def serve(reader, writer):
    """Send back what comes first, then hang up: what TCP alone costs."""
    try:
        writer.write(await reader.read(64))
        await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
        await writer.wait_closed()


async def count(app, dispatch, raw, n):
    """Bytes allocated by each of n (at most 100) whole requests in this process, no network, with the collector off.

    What a round frees by itself is not counted. Rounds that would use up more than a third of the free heap are
    parted by a collection, because a board whose collector is off dies when its heap is full.
    """
    reader = _Reader(raw)
    status = await _round(app, dispatch, reader)
    counts = [0] * min(n, 100)  # nobody else is served meanwhile
    gc.disable()
    try:
        gc.collect()
        # What an ESP32 calls free includes what its heap may still grow by, so a small one is never trusted.
        floor = max(gc.mem_free() * 2 // 3, _SMALL_HEAP)
        for i in range(len(counts)):
            if gc.mem_free() < floor:
                gc.collect()
            before = gc.mem_alloc()
            found = await _round(app, dispatch, reader)
            if found != status:
                if found == 500:
                    raise MemoryError  # as which it ends inside a request, and the count would mean nothing
                raise ValueError("the same request was answered with %d, then with %d" % (status, found))
            counts[i] = gc.mem_alloc() - before
    finally:
        gc.enable()
    return {"n": len(counts), "bytes": counts, "status": status}


async def _round(app, dispatch, reader):
    reader.stream.seek(0)
    response = await dispatch(await Request.create(app, reader, _writer, ("127.0.0.1", 0)))
    generator = hasattr(response.body, "__anext__") or hasattr(response.body, "__next__")
    if generator and "Content-Length" not in response.headers:
        raise ValueError("the response is a stream, which may never end")
    await response.write(_writer)
    return response.status_code


class _Reader:
    def __init__(self, raw):
        self.stream = io.BytesIO(raw)

    async def readline(self):
        return self.stream.readline()

    async def readexactly(self, n):
        return self.stream.read(n)


class _Writer:
    async def awrite(self, data):
        pass


_writer = _Writer()


def _render(order):
    method, path, headers = order.get("method", "GET"), order.get("path"), order.get("headers", [])
    if not isinstance(method, str) or not method or not isinstance(path, str) or path[:1] != "/":
        raise ValueError("method and path must be texts, the path starting with /")
    body = order.get("body", "")
    if not isinstance(body, str):
        raise ValueError("body must be a text")
    lines = ["{} {} HTTP/1.1".format(method, path)]
    try:
        for name, value in headers:
            lines.append("{}: {}".format(name, value))
    except (TypeError, ValueError):
        raise ValueError("headers must be a list of [name, value] pairs")
    for line in lines:
        if "\r" in line or "\n" in line:
            raise ValueError("a line break in method, path or headers")
    if lines[0].count(" ") != 2:
        raise ValueError("a space in method or path")
    body = body.encode()
    if body:
        lines.append("Content-Length: {}".format(len(body)))
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _policy(cors):
    return {name: getattr(cors, name, 200) for name in _POLICY}  # only preflight_status may be absent


def _check(name, value):
    if name in _LISTS:
        good = value is None or isinstance(value, (list, str))
    elif name == "allow_credentials":
        good = isinstance(value, bool)
    elif name in ("max_age", "preflight_status"):
        good = isinstance(value, int) and not isinstance(value, bool) or (value is None and name == "max_age")
    else:
        raise ValueError("unknown policy key {!r}; known are {}".format(name, ", ".join(_POLICY)))
    if not good:
        raise ValueError("{} cannot be {}".format(name, json.dumps(value)))


def _object(request):
    try:
        value = json.loads(request.body)
    except ValueError:
        raise ValueError("the body is not valid JSON")
    if not isinstance(value, dict):
        raise ValueError("the body must be a JSON object")
    return value


def _same(given, token):
    # Looks at every byte, so that the time taken tells nothing about where they differ.
    given = (given or "").encode()
    difference = len(given) ^ len(token)
    for i in range(len(token)):
        difference |= token[i] ^ (given[i] if i < len(given) else 0)
    return not difference


def _ticks_ms():
    return time.ticks_ms() if hasattr(time, "ticks_ms") else int(time.monotonic() * 1000)
