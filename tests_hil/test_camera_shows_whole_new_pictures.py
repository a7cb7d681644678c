"""Every picture of the camera is a whole JPEG, and shows what is in front of it now."""

from __future__ import annotations

import time

import pytest
from camera_viewer import Camera
from camrig.measure.frame_times import ages, repeated, steps
from camrig.probe.camera_stream import Picture
from camrig.probe.picture_number import CLOCK_MS, NUMBERS

VIEWINGS = 2
CAPTURES = 6
IDLE = 2.0  # seconds without a viewer: a frame buffer that is not emptied meanwhile holds an old picture
BUFFERS = 9  # pictures after that, which empty any buffer
FRESH_MS = 500.0  # before its request a picture may be taken, as by a sensor that is in the middle of one
ALIKE = (
    "all {} pictures are the same: the sensor or its frame buffer is stuck (or it sees nothing at all, behind a cap)"
)


def expect_whole(pictures: list[Picture]) -> None:
    faults = [f"picture {number}: {p.jpeg.fault}" for number, p in enumerate(pictures, 1) if p.jpeg.fault]
    assert not faults, f"{len(faults)} of {len(pictures)} pictures are not whole; {faults[0]}"


@pytest.fixture(scope="module")
def viewings(camera: Camera):
    return [camera.watch() for _ in range(VIEWINGS)]


@pytest.fixture(scope="module")
def captures(camera: Camera):
    return [camera.capture() for _ in range(CAPTURES)]


def test_pictures_of_the_stream_are_whole(viewings, measure):
    for viewing in viewings:
        measure("camera.picture.bytes", [picture.jpeg.size for picture in viewing.pictures], unit="B")
    expect_whole([picture for viewing in viewings for picture in viewing.pictures])


def test_captured_pictures_are_whole(captures):
    expect_whole([capture.picture for capture in captures])


def test_pictures_of_the_stream_change(viewings, measure):
    for viewing in viewings:
        pictures = [picture.jpeg.digest for picture in viewing.pictures]
        measure("camera.stream.repeated", repeated(pictures), unit="n")
        assert len(set(pictures)) > 1, ALIKE.format(len(pictures))


def test_captured_pictures_change(captures):
    pictures = {capture.picture.jpeg.digest for capture in captures}
    assert len(pictures) > 1, ALIKE.format(len(captures))


@pytest.fixture
def shown(viewings):
    """What the test pictures of each viewing show. Only the virtual camera and the synthetic sensor have them."""
    seen = [[picture.shown for picture in viewing.pictures if not picture.jpeg.fault] for viewing in viewings]
    if None in [picture for pictures in seen for picture in pictures]:
        pytest.skip("a real camera's pictures show no number, so they can be compared but not counted")
    return seen


def test_numbered_pictures_come_in_their_order(shown, measure):
    for viewing in shown:
        ahead = steps([picture.number for picture in viewing], NUMBERS)
        measure("camera.stream.skipped", sum(step - 1 for step in ahead if step > 1), unit="n")
        assert min(ahead) >= 0, f"a picture of the stream is older than the one before it: {ahead}"


def test_a_picture_is_not_older_than_its_request(camera, shown, measure):
    time.sleep(IDLE)
    captures = [camera.capture() for _ in range(1 + BUFFERS)]
    taken = [capture.picture.shown.clock_ms for capture in captures if capture.picture.shown]
    expect_whole([capture.picture for capture in captures])
    assert len(set(taken)) > 1, ALIKE.format(len(taken))
    first, *_ = old = ages([capture.picture.at for capture in captures], taken, CLOCK_MS)
    measure("camera.capture.age", first, unit="ms")
    assert first <= FRESH_MS + captures[0].total, (
        f"the first pictures after {IDLE:g} s without a viewer are old, by"
        f" {', '.join(f'{age:.0f}' for age in old[:4])} ms: they waited in a buffer of the driver"
    )
