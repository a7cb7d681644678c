"""``camera`` in the function style of the older ESP32-CAM firmwares."""

import camera_fault
from jpeg import Sensor

JPEG = 3
RGB565 = 0
GRAYSCALE = 2
YUV422 = 1
PSRAM = 0
DRAM = 1
XCLK_10MHz = 10000000
XCLK_20MHz = 20000000
FRAME_QQVGA = 1
FRAME_QVGA = 5
FRAME_CIF = 6
FRAME_VGA = 8
FRAME_SVGA = 9
FRAME_XGA = 10
FRAME_SXGA = 12
FRAME_UXGA = 13

_SIZES = {1: (160, 120), 5: (320, 240), 6: (400, 296), 8: (640, 480), 9: (800, 600), 10: (1024, 768)}
_SIZES[12] = (1280, 1024)
_SIZES[13] = (1600, 1200)
_on = False
_size = FRAME_QVGA
_sensor = Sensor()


def init(id=0, framesize=FRAME_QVGA, **pins):
    global _on, _size
    camera_fault.check()
    _on = True
    _size = framesize
    return True


def deinit():
    global _on
    _on = False
    return True


def capture():
    if not _on or camera_fault.code():
        return False
    return bytes(_sensor.picture(*_SIZES.get(_size, (320, 240))))


def framesize(size):
    global _size
    _size = size


def _adjust(value):
    """Picture controls are accepted, and change nothing on a test picture."""


quality = flip = mirror = contrast = saturation = brightness = speffect = whitebalance = _adjust
