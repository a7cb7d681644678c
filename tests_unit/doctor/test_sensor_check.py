"""The doctor tells real pictures from others, and a camera that works from one that does not."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from camrig.board.console import Console
from camrig.cli.main import main
from camrig.doctor.check import State
from camrig.doctor.sensor import has_psram, reported_sensor, sensor_checks
from camrig.errors import ServerSilentError
from camrig.probe.client import Phases, Response
from camrig.report.pictures import NO_CAMERA_MODULE
from camrig.settings.resolve import Settings
from camrig.virtual.board import VirtualBoard, VirtualConfig
from hypothesis import given
from hypothesis import strategies as st

from tests_unit.probe.test_jpeg import APP0, picture, segment

OK, NOTE, WRONG, SKIPPED = State.OK, State.NOTE, State.WRONG, State.SKIPPED
REAL = {"name": "camera.init", "synthetic": False, "error": None}
FIRST, SECOND = picture(b"\x01", size=(640, 480)), picture(b"\x02", size=(640, 480))
STAMPED = picture(b"\x01", APP0 + segment(0xFE, b"12:00:01"), size=(640, 480))  # the first one with another comment


class Camera:
    """A board that serves a status, and pictures in turn: bytes, or a status with a body."""

    def __init__(self, status: Any, *pictures: Any, console: str = "", heap: int = 4 << 20) -> None:
        self.answers = {"/api/status": [(200, json.dumps(status).encode())]}
        self.answers["/capture"] = [(200, answer) if isinstance(answer, bytes) else answer for answer in pictures]
        self.identity = SimpleNamespace(heap_total=heap)
        self.session = SimpleNamespace(console=Console())
        self.session.console.feed(b"E (1) camera: error 0x106 of an earlier boot\n")
        self.mark = self.session.console.mark()
        self.session.console.feed(console.encode())

    def request(self, method: str, path: str) -> Response:
        answers = self.answers[path]
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        return Response(status, "", [], body, Phases(1, 2, 210))

    def checks(self, **settings: Any) -> list[Any]:
        return list(sensor_checks(self, Settings(app=Path("app"), **settings), self.mark))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pictures", "state", "words"),
    [
        ([FIRST, SECOND], OK, ["640 x 480", f"{len(FIRST)} bytes", "210 ms", "the next one differs"]),
        ([FIRST, FIRST, SECOND], OK, ["differs"]),
        ([FIRST], WRONG, ["the same picture 3 times", "uncover the lens"]),
        ([FIRST, STAMPED], WRONG, ["the same picture 3 times"]),
        ([FIRST, SECOND[:-9]], WRONG, ["not a whole JPEG: it ends after", "frame_size"]),
        ([b""], WRONG, ["not a whole JPEG: it is empty"]),
        (
            [(503, b'{"error": "no picture: the sensor gave no frame"}')],
            WRONG,
            ["no whole picture in time", "ribbon"],
        ),
        ([FIRST, (503, b'{"error": "no picture: -261"}')], WRONG, ["(-261)", "no sensor answers"]),
        ([(500, b"<html>")], WRONG, ["/capture was answered with status 500"]),
    ],
)
def test_a_camera_has_to_take_whole_pictures_that_change(pictures, state, words):
    (check,) = Camera({"sensor": REAL}, *pictures).checks()
    assert check.state is state
    for word in words:
        assert word in check.finding + check.advice


@pytest.mark.parametrize(
    ("require", "state"), [("any", NOTE), ("browser", NOTE), ("hardware", WRONG), ("hardware,browser", WRONG)]
)
def test_stock_firmware_is_wrong_only_where_pictures_are_required(require, state):
    sensor = {"name": "synthetic", "synthetic": True, "error": NO_CAMERA_MODULE}
    (check,) = Camera({"sensor": sensor}).checks(require=require)
    assert (check.state, NO_CAMERA_MODULE in check.finding) == (state, True)
    assert "settings.camera = false under [deploy] in camrig.toml" in check.advice


@pytest.mark.parametrize("require", ["any", "hardware"])
def test_what_is_meant_and_what_is_foreign_is_not_wrong(require):
    meant = {"name": "synthetic", "synthetic": True, "error": None}
    (check,) = Camera({"sensor": meant}).checks(require=require)
    assert (check.state, "as the settings of the application say" in check.finding) == (OK, True)
    for status in ({}, [], None, {"sensor": None}, {"sensor": "bme280"}, {"sensor": {"celsius": 21}}):
        (check,) = Camera(status).checks(require=require)
        assert check.state is SKIPPED


def test_a_failed_camera_has_its_causes_and_the_lines_of_this_boot():
    failed = {"name": "synthetic", "synthetic": True, "error": "camera.init: Camera Init Failed"}
    console = "E (9) cam_hal: cam_dma_config(301): frame buffer malloc failed\nE (9) camera: error 0x105\n"
    first, second = Camera({"sensor": failed}, console=console, heap=160_000).checks()
    assert (first.state, second.state) == (WRONG, NOTE)
    assert "finds no PSRAM" in first.finding
    assert "no sensor answers" in second.finding
    assert "malloc failed" in first.details
    assert "earlier boot" not in first.details


def test_a_board_that_falls_silent_is_named():
    camera = Camera({"sensor": REAL}, FIRST)
    camera.request = lambda method, path: (_ for _ in ()).throw(ServerSilentError("no answer", hint="look"))  # type: ignore[method-assign]
    (check,) = camera.checks()
    assert (check.state, check.finding, check.advice) == (WRONG, "no answer", "look")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "error", "idf"]), inner),
    max_leaves=6,
)


@given(JSON, JSON, st.booleans())
def test_any_status_is_read(value, heap, synthetic):
    assert reported_sensor(value) is None
    sensor = reported_sensor({"sensor": {"name": value, "synthetic": synthetic, "error": value}})
    assert sensor["synthetic"] is synthetic
    assert (sensor["error"] is None) == (value is None)
    assert has_psram({"heap": heap}, 0) in (None, True, False)
    assert has_psram({"heap": {"idf": [heap]}}, 8 << 20) is True


def test_psram_shows_in_the_sizes_of_heaps():
    assert has_psram({"heap": {"idf": [[100_000, 1, 1, 1], [4 << 20, 1, 1, 1]]}}, 0) is True
    assert has_psram({"heap": {"idf": [[100_000, 1, 1, 1]]}}, 164_000) is False
    assert has_psram({"heap": {"idf": None}}, 0) is None


def test_a_camera_that_works_and_then_freezes(monkeypatch, capsys):
    monkeypatch.setenv("CAMRIG_WIFI_SSID", "lab")
    monkeypatch.setenv("CAMRIG_WIFI_PASSWORD", "correct horse battery")
    wifi = {"wifi_ssid": "lab", "wifi_password": "correct horse battery"}
    with VirtualBoard.start(VirtualConfig(**wifi, camera="class")) as board:
        works = main(["doctor", "--device", board.path, "--deploy"])
        board.fault("camera-frozen")
        frozen = main(["doctor", "--device", board.path])
    text = " ".join(capsys.readouterr().out.split())
    assert (works, frozen) == (0, 6)
    assert "ok sensor camera.Camera takes pictures: 320 x 240" in text
    assert "WRONG sensor camera.Camera gives the same picture 3 times" in text
