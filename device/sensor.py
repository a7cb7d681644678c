"""One way to take a JPEG, whatever camera firmware the board has.

An object returned by ``open_sensor`` has ``name``, ``error`` (of the last capture, or None), ``capture()``, which
returns one JPEG as bytes or raises OSError, and ``close()``.
"""

# A 64 x 48 grey test picture in two parts; capture() puts a comment with the frame's number in between.
_HEAD = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_TAIL = (
    b"\xff\xdb\x00C\x00\x1b\x12\x14\x17\x14\x11\x1b\x17\x16\x17\x1e\x1c\x1b (B+(%%(Q:=0B`Ued_U][jx\x99\x81jq\x90s[]"
    b"\x85\xb5\x86\x90\x9e\xa3\xab\xad\xabg\x80\xbc\xc9\xba\xa6\xc7\x99\xa8\xab\xa4\xff\xc0\x00\x0b\x08\x000\x00@\x01"
    b"\x01\x11\x00\xff\xc4\x00\x17\x00\x01\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\x06\x04"
    b"\xff\xc4\x00\x14\x10\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xda\x00\x08\x01\x01"
    b"\x00\x00?\x00\x8a\x00\x03\x8cS\x14\xc51\x86\x14\xc51La\x851LS\x18aLS\x14\xc6H\x00\x07\xff\xd9"
)


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
    """A small grey test picture, different in each frame."""

    name = "synthetic"

    def __init__(self, error=None):
        self.error = error
        self.count = 0

    def capture(self):
        self.count = (self.count + 1) & 0x3FFFFFFF
        return _HEAD + b"\xff\xfe\x00\x06" + self.count.to_bytes(4, "big") + _TAIL

    def close(self):
        pass


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
