"""The camera's HTTP routes: ``/api/status``, ``/capture`` and ``/stream``, all of them behind CORS."""

import asyncio
import gc
import sys
import time

import config
import sensor as sensors
import wifi
from http_server import Server
from microdot import Response
from microdot.cors import CORS

_SLICE = 4096
_NO_STORE = {"Cache-Control": "no-store"}


def create_app(settings=None, sensor=None):
    """Return the Microdot application, with its ``cors`` and its ``sensor`` as attributes.

    ``settings`` is the dict that ``config.load`` returns; without a ``sensor`` the board's own is opened.
    """
    settings = settings or {}
    app = Server()
    app.cors = CORS(app, **settings.get("cors", {}))
    app.sensor = sensor or sensors.open_sensor(settings.get("camera"))
    started = time.time()

    @app.get("/api/status")
    async def status(request):
        return {
            "uptime_s": int(time.time() - started),
            "firmware": firmware(),
            "platform": sys.platform,
            "heap": heap(),
            "sockets": sockets(app),
            "rssi": wifi.rssi(),
            "channel": wifi.channel(),
            "pm": wifi.power_save(),
            "reset_cause": config.reset_cause(),
            "sensor": {
                "name": app.sensor.name,
                "synthetic": app.sensor.name == "synthetic",
                "error": app.sensor.error,
            },
        }, _NO_STORE

    @app.get("/capture")
    async def capture(request):
        try:
            jpeg = app.sensor.capture()
        except OSError as exc:
            return _unavailable(exc)
        headers = {"Content-Type": "image/jpeg", "Content-Length": str(len(jpeg))}
        headers.update(_NO_STORE)
        return Response(JpegSlices(jpeg), headers=headers)

    @app.get("/stream")
    async def stream(request):
        try:
            frames = _number(request, "frames", None, 1)
            interval_ms = _number(request, "interval_ms", 100, 0)
        except ValueError as exc:
            return {"error": str(exc)}, 400
        try:
            jpeg = app.sensor.capture()
        except OSError as exc:
            return _unavailable(exc)
        headers = {"Content-Type": "multipart/x-mixed-replace; boundary=frame"}
        headers.update(_NO_STORE)
        return Response(StreamParts(app.sensor, jpeg, frames, interval_ms), headers=headers)

    return app


class JpegSlices:
    """A JPEG in slices: when a socket takes only part of a write, the rest is copied, so each write is small."""

    def __init__(self, jpeg):
        self.view = memoryview(jpeg)

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self.view:
            raise StopAsyncIteration
        piece = self.view[:_SLICE]
        self.view = self.view[_SLICE:]
        return piece

    async def aclose(self):
        self.view = b""


class StreamParts(JpegSlices):
    """Frames of a multipart stream, one in memory at a time; with ``frames`` None until the client disconnects."""

    def __init__(self, sensor, jpeg, frames, interval_ms):
        self.view = b""
        self.sensor = sensor
        self.jpeg = jpeg
        self.left = frames
        self.interval_s = interval_ms / 1000
        self.separator = b"--frame"

    async def __anext__(self):
        if self.view:
            return await super().__anext__()
        if self.separator is None:
            raise StopAsyncIteration
        jpeg, self.jpeg = self.jpeg, None
        if jpeg is None:
            jpeg = await self._next()
        if jpeg is None:
            self.separator = None
            return b"\r\n--frame--\r\n"
        self.view = memoryview(jpeg)
        header = self.separator + b"\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
        self.separator = b"\r\n--frame"
        return header

    async def _next(self):
        if self.left is not None:
            self.left -= 1
            if not self.left:
                return None
        await asyncio.sleep(self.interval_s)  # also with 0: other clients get their turn
        try:
            return self.sensor.capture()
        except OSError:
            return None  # /api/status gives the reason

    async def aclose(self):
        self.view = b""
        self.jpeg = self.separator = None


def sockets(app):
    """Connections that are open and that may be, None for an application that counts none."""
    if not hasattr(app, "max_connections"):
        return None
    return {"used": len(app.connections), "most": app.max_connections}


def heap():
    """Sizes of a board's heaps in bytes: the collected one, and ESP-IDF's regions (None on other chips).

    A region of ``idf`` is [total, free, largest free block, minimum free since boot].
    """
    try:
        import esp32

        idf = [list(region) for region in esp32.idf_heap_info(esp32.HEAP_DATA)]
    except (ImportError, AttributeError):
        idf = None
    if not hasattr(gc, "mem_free"):  # CPython
        return {"free": None, "alloc": None, "idf": idf}
    return {"free": gc.mem_free(), "alloc": gc.mem_alloc(), "idf": idf}


def firmware():
    """Name, version, machine and build of the running interpreter."""
    implementation = sys.implementation
    return {
        "name": implementation.name,
        "version": ".".join([str(n) for n in implementation.version[:3]]),
        "machine": getattr(implementation, "_machine", None),
        "build": sys.version,
    }


def _number(request, name, default, minimum):
    text = request.args.get(name)
    if text is None:
        return default
    if not text.isdigit() or int(text) < minimum:
        raise ValueError("{} must be a whole number of at least {}".format(name, minimum))
    return int(text)


def _unavailable(exc):
    return {"error": "no picture: {}".format(exc)}, 503, _NO_STORE
