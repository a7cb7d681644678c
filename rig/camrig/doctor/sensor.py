"""The doctor's look at the camera: whether it takes whole pictures that change, and else why not and what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from camrig.bringup.real_pictures import NO_CAMERA_WANTED
from camrig.doctor.camera_errors import DAMAGED, MOST_LINES, camera_lines, causes
from camrig.doctor.check import Check, State
from camrig.dut import Dut
from camrig.errors import CamrigError
from camrig.probe.client import Response
from camrig.probe.jpeg import examine
from camrig.redaction import shortened
from camrig.report.pictures import NO_CAMERA_MODULE, is_unwanted, pictures
from camrig.settings.resolve import Settings

NAME = "sensor"
PICTURES = 3  # of which two have to differ
PSRAM = 1 << 20  # bytes of a heap that only PSRAM has


def sensor_checks(dut: Dut, settings: Settings, mark: int) -> Iterator[Check]:
    """The checks of a ``dut`` that serves, and whose console since it started begins at ``mark``."""
    try:
        status = _json(dut.request("GET", "/api/status"))
        sensor = reported_sensor(status)
        if sensor is None:
            finding = "the application reports no camera: there is no 'sensor' in its /api/status"
            yield Check(NAME, State.SKIPPED, finding)
        elif not sensor["synthetic"]:
            yield from _of_camera(dut, sensor, mark)
        elif not is_unwanted(sensor):
            yield Check(NAME, State.OK, f"pictures are {pictures(sensor)}")
        elif sensor["error"] == NO_CAMERA_MODULE:
            yield no_module_check(settings)
        else:
            yield from failed_checks(sensor["error"], _console(dut, mark), has_psram(status, dut.identity.heap_total))
    except CamrigError as error:
        yield Check(NAME, State.WRONG, error.what, error.hint, details=error.details)


def reported_sensor(status: Any) -> dict[str, Any] | None:
    """The camera in what ``/api/status`` answers; None for an application that reports none."""
    sensor = status.get(NAME) if isinstance(status, Mapping) else None
    if not isinstance(sensor, Mapping) or not isinstance(sensor.get("synthetic"), bool):
        return None
    error = sensor.get("error")
    return {
        "name": shortened(str(sensor.get("name"))),
        "synthetic": sensor["synthetic"],
        "error": None if error is None else shortened(str(error)),
    }


def has_psram(status: Any, heap_bytes: int) -> bool | None:
    """Whether a board has PSRAM, by the sizes of its heaps; None where it reports neither."""
    heap = status.get("heap") if isinstance(status, Mapping) else None
    regions = heap.get("idf") if isinstance(heap, Mapping) else None
    rows = [region for region in regions if isinstance(region, list)] if isinstance(regions, list) else []
    sizes = [row[0] for row in rows if row]
    sizes = [size for size in [*sizes, heap_bytes] if isinstance(size, int) and size > 0]
    return any(size >= PSRAM for size in sizes) if sizes else None


def no_module_check(settings: Settings) -> Check:
    """Stock firmware has no camera driver: that is wrong only where real pictures are required."""
    finding = f"{NO_CAMERA_MODULE}, so pictures are synthetic"
    advice = f"flash a firmware with a camera driver to have real ones, or {NO_CAMERA_WANTED}"
    return Check(NAME, State.WRONG if settings.requires("hardware") else State.NOTE, finding, advice)


def failed_checks(error: str, console: str, psram: bool | None) -> Iterator[Check]:
    """What a camera's ``error`` means, the likeliest cause first, with the driver's own lines."""
    first, *others = causes(error, console, psram)
    lines = "\n".join(camera_lines(console)[-MOST_LINES:])
    yield Check(NAME, State.WRONG, f"the camera failed ({error}): {first.finding}", first.advice, details=lines)
    for cause in others:
        yield Check(NAME, State.NOTE, cause.finding, cause.advice)


def pictures_check(name: str, data: list[bytes], ms: float) -> Check:
    """The check of pictures that a camera took, of which the first came after ``ms``."""
    taken = [examine(picture) for picture in data]
    if fault := next((jpeg.fault for jpeg in taken if jpeg.fault), ""):
        finding = f"{name} gives a picture that is not a whole JPEG: {fault}"
        return Check(NAME, State.WRONG, finding, DAMAGED.advice)
    first = taken[0]
    size = f"{first.width} x {first.height}, {first.size:,} bytes"
    if len({jpeg.digest for jpeg in taken}) < 2:
        finding = f"{name} gives the same picture {len(data)} times ({size})"
        return Check(NAME, State.WRONG, finding, "uncover the lens; else switch the power off and on")
    return Check(NAME, State.OK, f"{name} takes pictures: {size}, in {ms:.0f} ms, and the next one differs")


def _of_camera(dut: Dut, sensor: Mapping[str, Any], mark: int) -> Iterator[Check]:
    taken: list[Response] = []
    while len(taken) < PICTURES and len({examine(response.body).digest for response in taken}) < 2:
        response = dut.request("GET", "/capture")
        if response.status != 200:
            answer = _json(response)
            error = answer.get("error") if isinstance(answer, Mapping) else None
            reason = shortened(str(error)) if error else f"/capture was answered with status {response.status}"
            yield from failed_checks(reason.removeprefix("no picture: "), _console(dut, mark), None)
            return
        taken.append(response)
    yield pictures_check(sensor["name"], [response.body for response in taken], taken[0].phases.total)


def _console(dut: Dut, mark: int) -> str:
    return dut.session.console.text(since=mark)


def _json(response: Response) -> Any:
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        return None
