"""One way to take a JPEG, whatever camera firmware the board has.

An object returned by ``open_sensor`` has ``name``, ``error`` (of the last capture, or None), ``capture()``, which
returns one JPEG as bytes (or a bytearray) or raises OSError, and ``close()``.
"""

import time

# The head of a test picture of 160 x 88 pixels: tables by which each of its 220 blocks of 8 x 8 is one byte, the
# difference of its grey from that of the block before. The first one is dark.
_HEAD = (
    b"\xff\xd8\xff\xdb\x00C\x00pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp\xff\xc0\x00\x0b\x08\x00X"
    b"\x00\xa0\x01\x01\x11\x00\xff\xc4\x00\x15\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00"
    b"\xff\xc4\x00\x14\x10\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xda\x00\x08\x01\x01"
    b"\x00\x00?\x00\x0e"
)
_LIGHTER, _DARKER = 0x1E, 0x00  # a space is a block as the one before
# Of three blocks and a dark one behind them, for each of the eight ways in which the three can be light.
_STEPS = b"      \x1e\x00 \x1e\x00  \x1e \x00\x1e\x00  \x1e\x00\x1e\x00\x1e \x00 \x1e  \x00"
_FONT = b"75557262277174771717557117471774757712227575775717"  # five rows of three blocks for each digit


def open_sensor(options=None):
    """Return the board's sensor, or a synthetic one whose ``error`` says why the board's cannot be used.

    ``options`` are keywords of the firmware's driver (pins, quality ...) and ``frame_size``, a name such as 'VGA'.
    False is for a board that is meant to have no camera: its pictures are synthetic without an ``error``.
    """
    if options is False:
        return SyntheticSensor()
    options = dict(options or {})
    try:
        import camera
    except ImportError:
        return SyntheticSensor("this firmware has no camera module")
    driver = _ClassSensor if hasattr(camera, "Camera") else _FunctionSensor
    try:
        return driver(camera, options)
    except Exception as exc:  # whatever the driver raises, the server starts and reports it
        return SyntheticSensor("{}: {}".format(driver.name, exc))


class SyntheticSensor:
    """A small moving test picture: its number, the board's clock as a row of bits, a square that walks."""

    name = "synthetic"

    def __init__(self, error=None):
        self.error = error
        self.count = 0
        self.tail = b" " * 219 + b"\xff\xd9"

    def capture(self):
        number = self.count = (self.count + 1) % 100000
        clock = time.ticks_ms() if hasattr(time, "ticks_ms") else int(time.time() * 1000)
        first = len(_HEAD) - 1
        jpeg = bytearray(first + 1 + len(self.tail))
        jpeg[: first + 1] = _HEAD
        jpeg[first + 1 :] = self.tail
        square = first + 180 + number % 19
        jpeg[square] = _LIGHTER
        jpeg[square + 1] = _DARKER
        for place in range(first + 36, first + 19, -4):  # digits in rows 1 to 5, the clock in row 7
            row = number % 10 * 5
            for at in range(place, place + 100, 20):
                _draw(jpeg, at, _FONT[row] & 7)
                row += 1
            _draw(jpeg, place + 120, clock & 7)
            number //= 10
            clock >>= 3
        return jpeg

    def close(self):
        pass


def _draw(jpeg, at, bits):
    for step in range(4 * bits, 4 * bits + 4):
        jpeg[at] = _STEPS[step]
        at += 1


class _Sensor:
    error = None

    def capture(self):
        try:
            frame = self._grab()
        except OSError as exc:
            self.error = str(exc)
            raise
        if not frame:
            self.error = "the sensor gave no frame"
            raise OSError(self.error)
        self.error = None
        return frame


class _FunctionSensor(_Sensor):
    # camera.init(0, ...) and camera.capture(): the camera driver of the ESP32-CAM builds up to MicroPython 1.21.
    # Its default pins are those of the AI-Thinker ESP32-CAM.
    name = "camera.init"

    def __init__(self, camera, options):
        self.camera = camera
        size = options.pop("frame_size", None)
        if size:
            options["framesize"] = getattr(camera, "FRAME_" + size)
        options["format"] = camera.JPEG
        if hasattr(camera, "PSRAM"):
            options["fb_location"] = camera.PSRAM
        try:
            self._init(options)
        except OSError:
            self.close()  # the driver survives a soft reset and then refuses to be initialized again
            try:
                self._init(options)
            except OSError:
                self.close()
                options.pop("fb_location", None)  # no PSRAM on this board
                self._init(options)
        try:
            self.capture()
        except OSError:
            self.close()
            raise

    def _init(self, options):
        if self.camera.init(0, **options) is False:
            raise OSError("Camera Init Failed")

    def _grab(self):
        return self.camera.capture()

    def close(self):
        self.camera.deinit()


class _ClassSensor(_Sensor):
    # camera.Camera(...): the API of newer builds. Firmware built for one board knows the pins.
    name = "camera.Camera"

    def __init__(self, camera, options):
        size = options.get("frame_size")
        if size:
            options["frame_size"] = getattr(camera.FrameSize, size)
        options["pixel_format"] = camera.PixelFormat.JPEG
        try:
            self.camera = camera.Camera(**options)
        except TypeError:  # generic firmware must be given the pins
            self.camera = camera.Camera(**_ai_thinker(options))
        try:
            if not self._grab() and hasattr(self.camera, "init"):
                self.camera.init()  # some builds do not start the sensor in the constructor
            self.capture()
        except OSError:
            self.close()
            raise

    def _grab(self):
        frame = self.camera.capture()
        if not frame:
            return None
        frame = bytes(frame)  # in newer builds the buffer is valid only until the next capture
        if hasattr(self.camera, "free_buffer"):
            self.camera.free_buffer()
        return frame

    def close(self):
        self.camera.deinit()


def _ai_thinker(options):
    pins = {
        "data_pins": [5, 18, 19, 21, 36, 39, 34, 35],
        "pclk_pin": 22,
        "vsync_pin": 25,
        "href_pin": 23,
        "sda_pin": 26,
        "scl_pin": 27,
        "xclk_pin": 0,
        "powerdown_pin": 32,
        "reset_pin": -1,
    }
    pins.update(options)
    return pins
