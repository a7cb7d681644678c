"""The camera of the application on the board, as its viewers meet it: a stream, and one picture at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from camrig.dut import Dut
from camrig.probe.agent import ECHO
from camrig.probe.camera_stream import CAPTURE, STREAM, Picture, Viewing, watch

PICTURES = 25  # of one viewing, on a board that is quick enough
FEWEST = 5
SECONDS = 15.0  # of one viewing
CONTROLS = 3  # beside each viewing
ABSENT = (401, 403, 404, 405)
NO_PICTURE = 503

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Capture:
    """One answer to ``/capture``: its picture, and how many milliseconds it took."""

    picture: Picture
    total: float


class Camera:
    """Watches the camera of ``dut``. A viewing that the network loses is repeated beside controls."""

    def __init__(self, dut: Dut) -> None:
        self._dut = dut

    def view(self, pictures: int, fewest: int, headers: Headers = (), seconds: float = SECONDS) -> Viewing:
        """What an attempt to watch the stream came to, also where there is none."""

        def send(usual: float) -> Viewing:
            address, connections = self._dut.address, self._dut.connections
            return watch(address, pictures, seconds, fewest=fewest, headers=headers, connections=connections)

        return self._dut.repeat_lost(f"GET {STREAM}", send, key=(STREAM, *headers))

    def watch(self, pictures: int = PICTURES, fewest: int = FEWEST, headers: Headers = ()) -> Viewing:
        """The pictures of a stream that is opened and left again."""
        viewing = self.view(pictures, fewest, headers)
        assert not viewing.refusal, f"{STREAM} is not a stream of pictures: {viewing.refusal}"
        seen = len(viewing.pictures)
        assert not viewing.ended or seen >= pictures, f"the server ended its stream after {seen} pictures"
        assert sum(viewing.gaps) > 0, f"all {seen} pictures of the stream came at once: it is not one of a camera"
        return viewing

    def capture(self, headers: Headers = ()) -> Capture:
        """One picture from ``/capture``."""
        response = self._dut.request("GET", CAPTURE, headers, repeat=True)
        now = time.perf_counter_ns() / 1e6
        assert response.status == 200, f"{CAPTURE} answers {response.status} after it gave a picture"
        return Capture(Picture.of(now, response.body), response.phases.total)

    def controls(self) -> list[float]:
        """Milliseconds of requests that neither a library nor the camera has a part in."""
        return [self._dut.request("OPTIONS", ECHO).phases.total for _ in range(CONTROLS)]


def open_camera(dut: Dut) -> Camera:
    """The camera of the application. Skips where it has none, or one that gives no picture."""
    picture = dut.request("GET", CAPTURE)
    kind = (picture.header("Content-Type") or "without a Content-Type").lower()
    _skip_if_absent(CAPTURE, picture.status)
    if picture.status == 200 and not kind.startswith("image/jpeg"):
        pytest.skip(f"{CAPTURE} of this application is {kind}, not a picture")
    assert picture.status == 200, f"{CAPTURE} answers with status {picture.status}"
    camera = Camera(dut)
    head = camera.view(1, 1).head
    _skip_if_absent(STREAM, head.status)
    if any(kind.lower().startswith("text/html") for kind in head.values("content-type")):
        pytest.skip(f"{STREAM} of this application is a page, not a stream")
    return camera


def _skip_if_absent(path: str, status: int) -> None:
    if status in ABSENT:
        pytest.skip(f"this application shows no camera to everybody: {path} answers with status {status}")
    if status == NO_PICTURE:
        pytest.skip(f"the camera gives no picture ({path} answers with status {status}): see /api/status")
