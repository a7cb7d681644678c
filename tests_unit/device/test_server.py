"""The camera's routes, each with CORS."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest

ORIGIN = "https://app.example"
CORS = {"cors": {"allowed_origins": [ORIGIN]}}


class Flaky:
    """A sensor that fails after ``good`` pictures."""

    name = "camera.init"
    error = None

    def __init__(self, good: int) -> None:
        self.good = good

    def capture(self) -> bytes:
        self.good -= 1
        if self.good < 0:
            self.error = "the sensor gave no frame"
            raise OSError(self.error)
        return b"\xff\xd8" + bytes(10_000) + b"\xff\xd9"

    def close(self) -> None:
        pass


@pytest.fixture
def create_app(device):
    return device("camera_server").create_app


def test_status_describes_the_board(create_app, send, firmware):
    firmware("esp32", HEAP_DATA=4, idf_heap_info=lambda kind: [(100, 50, 40, 30)])
    status = send(create_app(), "GET", "/api/status").json
    assert status["uptime_s"] >= 0
    assert status["heap"]["idf"] == [[100, 50, 40, 30]]
    assert status["sensor"] == {
        "name": "synthetic",
        "synthetic": True,
        "error": "this firmware has no camera module",
    }
    assert set(status) >= {"firmware", "platform", "rssi", "channel", "pm", "reset_cause"}
    assert status["firmware"]["version"].count(".") == 2


def test_status_counts_sockets_where_the_server_has_them(create_app, send, monkeypatch):
    app = create_app()
    app.connections.append(None)
    assert send(app, "GET", "/api/status").json["sockets"] == {"used": 1, "most": app.max_connections}
    monkeypatch.delattr(type(app), "max_connections")
    assert send(app, "GET", "/api/status").json["sockets"] is None


def test_capture_is_a_whole_picture_that_is_not_cached(create_app, send):
    response = send(create_app(sensor=Flaky(1)), "GET", "/capture")
    assert response.headers["Content-Type"] == "image/jpeg"
    assert response.headers["Cache-Control"] == "no-store"
    assert int(response.headers["Content-Length"]) == len(response.body) == 10_004
    assert response.body.endswith(b"\xff\xd9")


def test_failing_sensor_is_a_503_and_the_server_stays_up(create_app, send):
    app = create_app(CORS, sensor=Flaky(1))
    assert send(app, "GET", "/capture").status_code == 200
    for path in ("/capture", "/stream"):
        response = send(app, "GET", path, {"Origin": ORIGIN})
        assert response.status_code == 503
        assert response.json == {"error": "no picture: the sensor gave no frame"}
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert send(app, "GET", "/api/status").json["sensor"]["error"] == "the sensor gave no frame"


def test_stream_ends_after_the_requested_frames(create_app, send):
    response = send(create_app(), "GET", "/stream?frames=3&interval_ms=0")
    assert response.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
    parts = response.body.split(b"--frame")
    assert parts[0] == b""
    assert parts[-1] == b"--\r\n"
    pictures = set()
    for part in parts[1:-1]:
        head, picture = part.split(b"\r\n\r\n", 1)
        assert b"\r\nContent-Type: image/jpeg\r\n" in head
        picture = picture[:-2]
        assert f"Content-Length: {len(picture)}".encode() in head
        pictures.add(picture)
    assert len(pictures) == 3


def test_stream_ends_when_the_sensor_fails(create_app, send):
    body = send(create_app(sensor=Flaky(2)), "GET", "/stream?interval_ms=0").body
    assert body.count(b"image/jpeg") == 2
    assert body.endswith(b"--frame--\r\n")


@pytest.mark.parametrize("query", ["frames=0", "frames=x", "frames=-1", "interval_ms=fast", "frames="])
def test_stream_refuses_invalid_numbers(create_app, send, query):
    response = send(create_app(), "GET", "/stream?" + query)
    assert response.status_code == 400
    assert "must be a whole number of at least" in response.json["error"]


@pytest.mark.parametrize("path", ["/api/status", "/capture", "/stream"])
def test_each_route_answers_preflights(create_app, send, path):
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    app = create_app(CORS)
    response = send(app, "OPTIONS", path, preflight)
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert response.headers["Access-Control-Allow-Methods"] == "GET"
    refused = send(app, "OPTIONS", path, {**preflight, "Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in refused.headers


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/none", 404), ("POST", "/capture", 405)])
def test_errors_carry_cors_headers(create_app, send, method, path, status):
    response = send(create_app(CORS), method, path, {"Origin": ORIGIN})
    assert response.status_code == status
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN


def test_no_origin_is_allowed_by_default(create_app, send):
    response = send(create_app(), "GET", "/api/status", {"Origin": ORIGIN})
    assert "Access-Control-Allow-Origin" not in response.headers


def test_stream_ends_with_its_client_and_others_are_served(create_app, device):
    async def main() -> None:
        app = create_app()
        task = asyncio.create_task(app.start_server(host="127.0.0.1", port=0))
        while app.server is None:
            await asyncio.sleep(0)
        port = app.server.sockets[0].getsockname()[1]
        streams: list[Any] = []
        parts = device("camera_server").StreamParts
        original = parts.__init__

        def remember(self: Any, *args: Any) -> None:
            original(self, *args)
            streams.append(weakref.ref(self))

        parts.__init__ = remember
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /stream?interval_ms=1 HTTP/1.1\r\n\r\n")
        await reader.readuntil(b"--frame")
        second_reader, second_writer = await asyncio.open_connection("127.0.0.1", port)
        second_writer.write(b"GET /api/status HTTP/1.1\r\n\r\n")
        assert (await second_reader.read()).startswith(b"HTTP/1.0 200")
        second_writer.close()
        writer.transport.abort()
        while streams[0]() is not None:
            await asyncio.sleep(0.005)
            gc.collect()
        app.shutdown()
        await task

    asyncio.run(asyncio.wait_for(main(), 10))
