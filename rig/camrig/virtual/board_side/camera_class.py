"""``camera`` in the class style of the newer ESP32-CAM firmwares."""

import camera_fault
from jpeg import Sensor


class PixelFormat:
    RGB565 = 0
    YUV422 = 1
    GRAYSCALE = 3
    JPEG = 4


class FrameSize:
    QQVGA = 1
    QVGA = 6
    CIF = 8
    HVGA = 9
    VGA = 10
    SVGA = 11
    XGA = 12
    HD = 13
    SXGA = 14
    UXGA = 15


class GrabMode:
    WHEN_EMPTY = 0
    LATEST = 1


_SIZES = {1: (160, 120), 6: (320, 240), 8: (400, 296), 9: (480, 320), 10: (640, 480), 11: (800, 600)}
_SIZES.update({12: (1024, 768), 13: (1280, 720), 14: (1280, 1024), 15: (1600, 1200)})


_sensor = Sensor()


class Camera:
    def __init__(self, *, init=True, **settings):
        if init:
            camera_fault.check()
        self._on = init
        self._settings = {"frame_size": FrameSize.QVGA, "pixel_format": PixelFormat.JPEG, "jpeg_quality": 85}
        self._settings.update(settings)

    def init(self):
        camera_fault.check()
        self._on = True

    def deinit(self):
        self._on = False

    def reconfigure(self, **settings):
        self._settings.update(settings)
        self._on = True

    def capture(self):
        if not self._on:
            raise OSError("Camera not initialized")
        if camera_fault.code():
            return None
        return _sensor.picture(*_SIZES.get(self._settings["frame_size"], (320, 240)))

    def free_buffer(self):
        pass

    def frame_available(self):
        return self._on

    def __getattr__(self, name):
        """``get_x()`` and ``set_x(value)`` for any setting x of the sensor."""
        prefix, setting = name[:4], name[4:]
        if prefix == "get_":
            return lambda: self._settings.get(setting, 0)
        if prefix == "set_":
            return lambda value: self._settings.update({setting: value})
        raise AttributeError(name)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.deinit()
