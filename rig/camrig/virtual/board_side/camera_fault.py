"""What a camera driver prints and raises while the fault camera-error is on: in the words of esp32-camera."""

import time

import fault_cells

_NAMES = {
    0x101: "ESP_ERR_NO_MEM",
    0x102: "ESP_ERR_INVALID_ARG",
    0x103: "ESP_ERR_INVALID_STATE",
    0x105: "ESP_ERR_NOT_FOUND",
    0x106: "ESP_ERR_NOT_SUPPORTED",
    0x107: "ESP_ERR_TIMEOUT",
}


def code():
    """The driver's error, 0 while it works."""
    return fault_cells.get("camera")


def check():
    """Print the driver's line and raise if there is an error."""
    error = code()
    if error:
        where = "Camera config" if error == 0x101 else "Camera probe"
        if error == 0x101:
            _log("cam_hal", "cam_dma_config(301): frame buffer malloc failed")
        _log("camera", "%s failed with error 0x%x(%s)" % (where, error, _NAMES.get(error, "UNKNOWN ERROR")))
        raise OSError("Camera Init Failed")


def _log(tag, text):
    print("\x1b[0;31mE (%d) %s: %s\x1b[0m" % (time.ticks_ms() % 100000, tag, text))
