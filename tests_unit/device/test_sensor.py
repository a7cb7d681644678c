"""The drivers of both common camera firmwares, and a board without one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from camrig.probe.jpeg import examine
from camrig.probe.picture_number import CLOCK_MS, NUMBERS, read_number
from camrig.report.pictures import NO_CAMERA_MODULE

JPEG = b"\xff\xd8 picture \xff\xd9"


class FunctionCamera:
    """The driver with ``camera.init(0, ...)``, whose init fails ``refusals`` times."""

    def __init__(self, refusals: int = 0, result: Any = JPEG, **constants: int) -> None:
        self.refusals, self.result = refusals, result
        self.inits: list[dict[str, Any]] = []
        self.deinits = 0
        self.constants = {"JPEG": 3, "PSRAM": 1, "FRAME_SVGA": 9, **constants}

    def init(self, number: int, **options: Any) -> bool:
        self.inits.append(options)
        if len(self.inits) <= self.refusals:
            raise OSError("Camera Init Failed")
        return True

    def capture(self) -> Any:
        return self.result

    def deinit(self) -> bool:
        self.deinits += 1
        return True

    def contents(self) -> dict[str, Any]:
        return {"init": self.init, "capture": self.capture, "deinit": self.deinit, **self.constants}


class ClassCamera:
    """The API with ``camera.Camera(...)``, of generic firmware: it must be given the pins."""

    needs_pins = True
    starts = True
    made: list[ClassCamera] = []  # noqa: RUF012

    def __init__(self, **options: Any) -> None:
        if self.needs_pins and "data_pins" not in options:
            raise TypeError("'data_pins' argument required")
        self.options = options
        self.running = self.starts
        self.freed = 0
        self.made.append(self)

    def init(self) -> None:
        self.running = True

    def deinit(self) -> None:
        self.running = False

    def capture(self) -> memoryview | None:
        return memoryview(JPEG) if self.running else None

    def free_buffer(self) -> None:
        self.freed += 1


NAMES = {"PixelFormat": SimpleNamespace(JPEG=4), "FrameSize": SimpleNamespace(SVGA=11)}


def test_firmware_without_camera_module_gets_synthetic_pictures(device):
    sensor = device("sensor").open_sensor()
    assert sensor.name == "synthetic"
    assert sensor.error == NO_CAMERA_MODULE


def test_a_board_that_is_meant_to_have_no_camera_has_no_error(device, firmware, tmp_path):
    firmware("camera", init=pytest.fail)
    (tmp_path / "camrig.json").write_text('{"camera": false}')
    sensor = device("sensor").open_sensor(device("config").load(str(tmp_path / "camrig.json"))["camera"])
    assert (sensor.name, sensor.error) == ("synthetic", None)
    assert sensor.capture()


def test_synthetic_pictures_are_jpeg_and_differ(device):
    sensor = device("sensor").open_sensor()
    first, second = examine(sensor.capture()), examine(sensor.capture())
    assert first.digest != second.digest
    assert first.size == second.size
    assert (first.fault, first.width, first.height) == (second.fault, second.width, second.height) == ("", 160, 88)


@pytest.mark.parametrize("number", [1, 7, 18, 19, 4096, 67890, 99999, 100_000, 100_012_345])
def test_synthetic_pictures_show_their_number_and_the_clock(device, monkeypatch, number):
    module = device("sensor")
    sensor = module.open_sensor()
    for clock in (0, 1, 0o12345, 0x7FFF, 0x8000 + 77, 2**30 - 1):
        sensor.count = (number - 1) % NUMBERS
        monkeypatch.setattr(module, "time", SimpleNamespace(ticks_ms=lambda clock=clock: clock))
        assert read_number(bytes(sensor.capture())) == (number % NUMBERS, clock % CLOCK_MS)


def test_function_driver_takes_pictures(device, firmware):
    camera = FunctionCamera()
    firmware("camera", **camera.contents())
    sensor = device("sensor").open_sensor({"frame_size": "SVGA", "quality": 12})
    assert (sensor.name, sensor.error, sensor.capture()) == ("camera.init", None, JPEG)
    assert camera.inits == [{"framesize": 9, "quality": 12, "format": 3, "fb_location": 1}]
    sensor.close()
    assert camera.deinits == 1


def test_function_driver_still_running_after_soft_reset_is_restarted(device, firmware):
    camera = FunctionCamera(refusals=1)
    firmware("camera", **camera.contents())
    assert device("sensor").open_sensor().name == "camera.init"
    assert camera.deinits == 1
    assert camera.inits[0] == camera.inits[1]


def test_function_driver_works_without_psram(device, firmware):
    camera = FunctionCamera(refusals=2)
    firmware("camera", **camera.contents())
    assert device("sensor").open_sensor().name == "camera.init"
    assert ["fb_location" in options for options in camera.inits] == [True, True, False]


@pytest.mark.parametrize(
    "camera", [FunctionCamera(refusals=9), FunctionCamera(result=False)], ids=["init fails", "no frame"]
)
def test_function_driver_without_a_sensor_gives_synthetic_pictures(device, firmware, camera):
    firmware("camera", **camera.contents())
    sensor = device("sensor").open_sensor()
    assert sensor.name == "synthetic"
    assert sensor.error in ("camera.init: Camera Init Failed", "camera.init: the sensor gave no frame")
    assert sensor.capture()


def test_init_that_returns_false_is_a_failure(device, firmware):
    firmware("camera", **{**FunctionCamera().contents(), "init": lambda number, **options: False})
    assert device("sensor").open_sensor().error == "camera.init: Camera Init Failed"


@pytest.mark.parametrize("starts", [True, False], ids=["started", "not started"])
def test_generic_class_driver_gets_the_pins_of_an_esp32_cam(device, firmware, monkeypatch, starts):
    monkeypatch.setattr(ClassCamera, "starts", starts)
    monkeypatch.setattr(ClassCamera, "made", [])
    firmware("camera", Camera=ClassCamera, **NAMES)
    sensor = device("sensor").open_sensor({"frame_size": "SVGA", "xclk_pin": 15})
    assert (sensor.name, sensor.error) == ("camera.Camera", None)
    (camera,) = ClassCamera.made
    assert camera.options["data_pins"] == [5, 18, 19, 21, 36, 39, 34, 35]
    assert camera.options["xclk_pin"] == 15
    assert camera.options["frame_size"] == 11
    assert camera.options["pixel_format"] == 4
    assert type(sensor.capture()) is bytes
    assert camera.freed >= 1
    sensor.close()
    assert not camera.running


def test_class_driver_that_knows_its_board_gets_no_pins(device, firmware, monkeypatch):
    monkeypatch.setattr(ClassCamera, "needs_pins", False)
    monkeypatch.setattr(ClassCamera, "made", [])
    firmware("camera", Camera=ClassCamera, **NAMES)
    assert device("sensor").open_sensor().name == "camera.Camera"
    assert ClassCamera.made[0].options == {"pixel_format": 4}


def test_class_driver_without_frames_is_closed(device, firmware, monkeypatch):
    monkeypatch.setattr(ClassCamera, "needs_pins", False)
    monkeypatch.setattr(ClassCamera, "made", [])
    monkeypatch.setattr(ClassCamera, "capture", lambda self: None)
    firmware("camera", Camera=ClassCamera, **NAMES)
    assert device("sensor").open_sensor().error == "camera.Camera: the sensor gave no frame"
    assert not ClassCamera.made[0].running


def test_class_driver_without_a_sensor_gives_synthetic_pictures(device, firmware):
    def refuse(**options: Any) -> None:
        raise OSError("Camera not found")

    firmware("camera", Camera=refuse, **NAMES)
    sensor = device("sensor").open_sensor()
    assert (sensor.name, sensor.error) == ("synthetic", "camera.Camera: Camera not found")


def test_sensor_recovers_after_a_failed_capture(device, firmware):
    camera = FunctionCamera()
    firmware("camera", **camera.contents())
    sensor = device("sensor").open_sensor()
    camera.result = False
    with pytest.raises(OSError, match="no frame"):
        sensor.capture()
    assert sensor.error == "the sensor gave no frame"
    camera.result = JPEG
    assert sensor.capture() == JPEG
    assert sensor.error is None
