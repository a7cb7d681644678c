"""The stream begins soon and goes on, and CORS does not slow it down; its pace is measured beside controls."""

from __future__ import annotations

import random
from statistics import median

from camera_viewer import Camera
from camrig.deadline import Deadline
from camrig.measure.frame_times import per_second, stalls
from camrig.measure.statistics import quantile
from camrig.probe.added_time import BARE, LIBRARY
from camrig.probe.agent import SIDE_HEADER
from camrig.probe.camera_stream import Viewing
from camrig.probe.request_kinds import PAGE, POLICY
from routes import bare_side

BATCHES, MIN_BATCHES = 8, 3
SECONDS = 60.0
CAPTURES = 10  # in each batch
# Not one slow stream, but pictures that come half as fast as without the library, is what a page would see.
SLOWER = 2.0


def arrivals(viewing: Viewing) -> list[float]:
    return [picture.at for picture in viewing.pictures]


def test_stream_is_measured_beside_controls(camera: Camera, measure):
    until = Deadline.after(SECONDS)
    for number in range(BATCHES):
        if until.passed and number >= MIN_BATCHES:
            break
        control = camera.controls()
        viewing = camera.watch()
        control += camera.controls()
        measure("camera.stream.fps", per_second(arrivals(viewing)), unit="pictures/s", control=control)
        measure("camera.stream.gap", viewing.gaps, unit="ms", control=control)
        measure("camera.stream.gap_p95", quantile(viewing.gaps, 0.95), unit="ms", control=control)
        measure("camera.stream.first_picture", viewing.first_picture, unit="ms", control=control)
        measure("camera.stream.stalls", len(stalls(viewing.gaps)), unit="n")


def test_captures_are_measured_beside_controls(camera: Camera, measure):
    until = Deadline.after(SECONDS)
    for number in range(BATCHES):
        if until.passed and number >= MIN_BATCHES:
            break
        control = camera.controls()
        times = [camera.capture().total for _ in range(CAPTURES)]
        control += camera.controls()
        measure("camera.capture.time", times, unit="ms", control=control)
        measure("camera.capture.fps", 1000 * len(times) / sum(times), unit="pictures/s", control=control)


def test_cors_does_not_slow_the_stream(dut, camera: Camera, policy, measure):
    policy(**POLICY)
    order = random.Random(1)
    relative = []
    until = Deadline.after(SECONDS)
    with bare_side(dut):
        for number in range(BATCHES):
            if until.passed and number >= MIN_BATCHES:
                break
            rates = {}
            for side in order.sample((LIBRARY, BARE), 2):
                viewing = camera.watch(headers=[("Origin", PAGE.origin), (SIDE_HEADER, side)])
                granted = viewing.head.values("access-control-allow-origin")
                assert granted == ([PAGE.origin] if side == LIBRARY else []), f"the stream through side {side!r}"
                rates[side] = per_second(arrivals(viewing))
            relative.append(rates[BARE] / rates[LIBRARY])
            measure("camera.stream.relative", relative[-1], unit="x")
    assert median(relative) < SLOWER, f"with CORS a picture takes {median(relative):.2f} times as long as without it"
