"""From what a camera driver says to what is wrong with the board."""

from __future__ import annotations

import pytest
from camrig.doctor.camera_errors import (
    BROWNOUT,
    BUS,
    CODES,
    DAMAGED,
    ERRNOS,
    FORMAT,
    FRAME_SIZE,
    IN_USE,
    LONGEST_LINE,
    NAMES,
    NO_FRAMES,
    NO_MEMORY,
    NO_PSRAM,
    NOT_DETECTED,
    NOT_SUPPORTED,
    SETTINGS,
    UNKNOWN,
    camera_lines,
    causes,
)
from hypothesis import given
from hypothesis import strategies as st

INIT = "camera.init: Camera Init Failed"
KNOWN = sorted(code for code, cause in CODES.items() if cause != UNKNOWN)


@pytest.mark.parametrize(
    ("error", "console", "first"),
    [
        (INIT, "", UNKNOWN),
        (INIT, "E (1234) camera: Camera probe failed with error 0x105(ESP_ERR_NOT_FOUND)", NOT_DETECTED),
        (INIT, "E (1234) camera: Camera probe failed with error 0x106(ESP_ERR_NOT_SUPPORTED)", NOT_SUPPORTED),
        (INIT, "E (88) camera: Camera probe failed with error 0x20001", NOT_DETECTED),
        (INIT, "E (88) camera: Camera probe failed with error 0x20004", NOT_SUPPORTED),
        (INIT, "\x1b[0;31mE (9) camera: Detected camera not supported.\x1b[0m\r", NOT_SUPPORTED),
        (INIT, "E (9) camera: JPEG format is not supported on this sensor", NOT_SUPPORTED),
        (INIT, "E (9) camera: Failed to set frame size", FRAME_SIZE),
        (INIT, "E (9) camera: Camera config failed with error 0x20002", FRAME_SIZE),
        (INIT, "E (9) camera: Camera config failed with error 0x20003", FORMAT),
        (INIT, "E (9) cam_hal: cam_dma_config(301): frame buffer malloc failed", NO_MEMORY),
        (INIT, "E (9) quad_psram: PSRAM ID read error: 0xffffffff, PSRAM chip not found", NO_PSRAM),
        (INIT, "E (9) sccb: SCCB_Write Failed addr:0x30, reg:0xff, data:0x01, ret:263", BUS),
        (INIT, "E (9) camera: esp_camera_init failed 0xffffffff", UNKNOWN),
        (INIT, "E (9) cam_hal: EV-EOF-OVF", DAMAGED),
        (INIT, "W (9) cam_hal: Failed to get the frame on time!", NO_FRAMES),
        (INIT, "E (9) camera: Camera probe failed with error 0x105\nBrownout detector was triggered", BROWNOUT),
        ("camera.init: the sensor gave no frame", "", NO_FRAMES),
        ("camera.init: (-261, 'ESP_ERR_NOT_FOUND')", "", NOT_DETECTED),
        ("camera.init: [Errno 19] ENODEV", "", NOT_DETECTED),
        ("camera.init: [Errno 5] EIO", "", BUS),
        ("camera.init: [Errno 12] ENOMEM", "", NO_MEMORY),
        ("camera.init: -1", "", UNKNOWN),
        ("camera.Camera: Camera not found", "", NOT_DETECTED),
        ("camera.Camera: Out of memory", "", NO_MEMORY),
        ("camera.Camera: Operation/function not supported/implemented", "", NOT_SUPPORTED),
        ("camera.Camera: Invalid argument", "", SETTINGS),
        ("camera.Camera: Invalid state", "", IN_USE),
        ("camera.init: 'module' object has no attribute 'FRAME_HUGE'", "", SETTINGS),
        ("camera.Camera: extra keyword arguments given", "", SETTINGS),
        ("camera.Camera: Unknown error 0x20002", "", FRAME_SIZE),
        ("camera.Camera: Failed to initialize the camera", "", UNKNOWN),
        ("camera.Camera: memory allocation failed, allocating 61440 bytes", "", NO_MEMORY),
        ("", "", UNKNOWN),
    ],
)
def test_what_drivers_say(error, console, first):
    assert causes(error, console)[0] == first


SPELLINGS = (
    lambda code: f"0x{code:x}",
    lambda code: f"0x{code:08X}",
    lambda code: str(code),
    lambda code: str(-code),
    lambda code: f"({-code}, 'ESP_OTHER')",
    lambda code: f"Unknown error 0x{code:04x}",
)


@given(st.sampled_from(KNOWN), st.sampled_from(SPELLINGS), st.sampled_from(["", "camera.init: ", "camera.Camera: "]))
def test_a_code_in_an_exception_is_known_in_any_spelling(code, spelling, prefix):
    assert causes(prefix + spelling(code)) == [CODES[code]]


@given(
    st.sampled_from(KNOWN), st.integers(0, 10**8), st.sampled_from(["camera", "esp_camera", "cam_hal"]), st.booleans()
)
def test_a_code_on_the_console_is_known_at_any_time(code, ms, tag, upper):
    line = f"E ({ms}) {tag}: it failed with error 0x{code:x}"
    assert causes(INIT, f"boot\n{line.upper() if upper else line}\nrest") == [CODES[code]]


@given(st.sampled_from(sorted(NAMES)), st.text(alphabet="abc (),:'\n", max_size=20))
def test_a_name_is_worth_its_code(name, around):
    assert causes(f"{around} {name} {around}")[0] == CODES[NAMES[name]]


@given(st.sampled_from(sorted(ERRNOS)))
def test_an_errno_counts_in_an_exception_alone(number):
    assert causes(f"[Errno {number}] EANY") == [ERRNOS[number]]
    assert causes(INIT, f"E (1) camera: it failed with error {number}") == [UNKNOWN]


@given(st.integers(0, 10**7), st.sampled_from(KNOWN), st.sampled_from(["wifi", "gpio", "i2s", "camrig", "esp_netif"]))
def test_other_drivers_and_times_of_lines_mean_nothing(ms, code, tag):
    assert causes(INIT, f"E ({ms}) {tag}: failed with error 0x{code:x}") == [UNKNOWN]
    assert causes(INIT, f"I ({code}) camera: ready\ncamrig: camera failed 0x{code:x}") == [UNKNOWN]


@given(st.text(), st.text(), st.sampled_from([None, True, False]))
def test_any_text_has_a_cause_with_something_to_do(error, console, psram):
    named = causes(error, console, psram)
    assert len(named) == len(set(named)) > 0
    assert all(cause.finding and cause.advice for cause in named)
    assert all(len(line) <= LONGEST_LINE for line in camera_lines(console))


def test_missing_psram_explains_missing_memory():
    failed = "E (9) cam_hal: cam_dma_config(301): frame buffer malloc failed"
    assert causes(INIT, failed, psram=False) == [NO_PSRAM]
    assert causes(INIT, failed, psram=True) == [NO_MEMORY]
    assert causes(INIT, "", psram=False) == [UNKNOWN, NO_PSRAM]
    assert causes("0x105", "", psram=False) == [NOT_DETECTED]
    assert causes("0x105", failed, psram=False) == [NO_PSRAM, NOT_DETECTED]
