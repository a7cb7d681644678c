"""What a soak has measured, as metrics and notes like those of a run of the suite."""

from __future__ import annotations

from camrig.measure.losses import CONTROL
from camrig.measure.recorder import Recorder
from camrig.report.answers import SOAK as PREFIX
from camrig.soak.course import Course, Reading
from camrig.soak.session import Soak

CONTROL_NAME = "control.without_cors"
FEWEST = 2  # windows that a drift is computed from
FEWEST_READINGS = 30  # of a boot: fewer do not distinguish a rise that ends from a leak
HOUR = 3600.0
DIGITS = 4  # of a time in ms


def record(soak: Soak, recorder: Recorder) -> None:
    """Record times by kind, their drift, the heap and the radio; the windows become the note ``soak``."""
    course = soak.course
    _record_times(course, recorder)
    _record_heap(course, recorder)
    rssi = [reading.rssi for reading in course.readings if reading.rssi is not None]
    recorder.record(f"{PREFIX}wifi.rssi", rssi, "dBm")
    recorder.note(
        "soak",
        {
            "seconds": round(soak.seconds, 1),
            "planned_seconds": soak.options.seconds,
            "rate": soak.options.rate,
            "seed": soak.options.seed,
            "requests": soak.requests,
            "incidents": [
                {"at": round(incident.at, 1), "what": incident.text, "failed": incident.failed}
                for incident in soak.incidents
            ],
            "windows": [window.as_record() for window in course.windows],
            "readings": [_row(reading) for reading in course.readings],
        },
    )


def metric_name(kind: str, phase: str) -> str:
    """The name of a time of one kind of exchange."""
    return f"{PREFIX}latency.{CONTROL_NAME if kind == CONTROL else kind}.{phase}"


def _record_times(course: Course, recorder: Recorder) -> None:
    for phase, reservoirs in course.samples.items():
        for kind, reservoir in sorted(reservoirs.items()):
            values = [round(value, DIGITS) for value in reservoir.values]
            recorder.record(metric_name(kind, phase), values, "ms")
    for kind in sorted(course.totals):
        points = [
            ((window.start + window.seconds / 2) / HOUR, times[kind].quantile(0.5))
            for window in course.windows
            if kind in (times := window.on_board if kind in course.samples["on_board"] else window.times)
        ]
        if len(points) >= FEWEST:
            medians = [round(median, DIGITS) for _, median in points]
            recorder.record(metric_name(kind, "drift"), medians, "ms/h", at=[hour for hour, _ in points])


def _record_heap(course: Course, recorder: Recorder) -> None:
    for name, value in (("heap", _alive), ("heap.idf", _idf_used)):
        for points in course.series(value):
            if len(points) >= FEWEST_READINGS:
                metric = f"{PREFIX}{name}.leak_slope"
                recorder.record(metric, [y for _, y in points], "B/request", at=[x for x, _ in points])
    readings = course.readings
    recorder.record(f"{PREFIX}heap.alive", [reading.alive for reading in readings], "B")
    recorder.record(f"{PREFIX}heap.free", [reading.free for reading in readings], "B")
    used = [
        (reading.seconds / HOUR, reading.idf_used, reading.idf_lowest or 0)
        for reading in readings
        if reading.idf_used is not None
    ]
    if len(used) >= FEWEST and len({hour for hour, _, _ in used}) == len(used):
        recorder.record(
            f"{PREFIX}heap.idf.drift", [used for _, used, _ in used], "B/h", at=[hour for hour, _, _ in used]
        )
    recorder.record(f"{PREFIX}heap.idf.lowest", [lowest for _, _, lowest in used], "B")


def _alive(reading: Reading) -> int:
    return reading.alive


def _idf_used(reading: Reading) -> int | None:
    return reading.idf_used


def _row(reading: Reading) -> dict[str, float | int | None]:
    return {
        "at": reading.seconds,
        "boot": reading.boot,
        "rounds": reading.rounds,
        "alive": reading.alive,
        "free": reading.free,
        "idf_used": reading.idf_used,
        "idf_lowest": reading.idf_lowest,
        "rssi": reading.rssi,
    }
