"""The camera's HTTP server: ``/api/status``, ``/capture`` and ``/stream``, all of them behind CORS."""

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

    ``settings`` is what ``config.load`` returns; without a ``sensor`` the board's own is opened.
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
        return Response(Frames(jpeg), headers=headers)

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
        return Response(Parts(app.sensor, jpeg, frames, interval_ms), headers=headers)

    return app


class Frames:
    """A JPEG in slices: a socket that takes only a part of a write costs a copy of the rest."""

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


class Parts(Frames):
    """Frames of a multipart stream, one in memory at a time; ``frames`` None goes on until the client leaves."""

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
        head = self.separator + b"\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
        self.separator = b"\r\n--frame"
        return head

    async def _next(self):
        if self.left is not None:
            self.left -= 1
            if not self.left:
                return None
        await asyncio.sleep(self.interval_s)  # at 0 too: others have their turn
        try:
            return self.sensor.capture()
        except OSError:
            return None  # the status says why

    async def aclose(self):
        self.view = b""
        self.jpeg = self.separator = None


def heap():
    """Both heaps of a board in bytes: the collector's, and ESP-IDF's where there is one (else None).

    A region of ``idf`` is [total, free, largest free block, lowest free ever].
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
    this = sys.implementation
    return {
        "name": this.name,
        "version": ".".join([str(n) for n in this.version[:3]]),
        "machine": getattr(this, "_machine", None),
        "build": sys.version,
    }


def _number(request, name, default, least):
    text = request.args.get(name)
    if text is None:
        return default
    if not text.isdigit() or int(text) < least:
        raise ValueError("{} must be a whole number of at least {}".format(name, least))
    return int(text)


def _unavailable(exc):
    return {"error": "no picture: {}".format(exc)}, 503, _NO_STORE
