"""What a camera driver's error means: from its codes and words to usual causes, and what to do. Pure: text in.

The codes are those of ESP-IDF and of the driver esp32-camera, which MicroPython's camera modules pass on: as a
number, by name, as an errno, or only on the console, where the driver itself says more than the exception does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_LINES = 8  # of the driver that are shown
LONGEST_LINE = 160

_SUPPLY = "supply 5 V with 500 mA or more at the 5V pin, through a short cable"
_RIBBON = "push the ribbon cable all the way into its connector and close the latch"
_PINS = 'compare the pins of the firmware, or of "camera" in camrig.json, with those of this board'
_FEWER = 'ask for less with settings.camera.frame_size = "QVGA" under [deploy] in camrig.toml'


@dataclass(frozen=True)
class Cause:
    """What is wrong, and what to do about it."""

    finding: str
    advice: str


BROWNOUT = Cause("the supply voltage fell while the camera started", _SUPPLY)
NO_PSRAM = Cause(
    "this firmware finds no PSRAM, which a camera needs for pictures of any size",
    f"flash a build with PSRAM (SPIRAM) if the module has one, else {_FEWER}",
)
NO_MEMORY = Cause("there is no memory for a picture", f"{_FEWER}, and free memory before the camera is opened")
NOT_DETECTED = Cause("no sensor answers the driver", f"with the power off, {_RIBBON}; then {_PINS}; then {_SUPPLY}")
NOT_SUPPORTED = Cause(
    "the driver does not know the sensor that answers, or not its JPEG",
    f"flash a firmware with a driver for this sensor; where it has worked before, {_RIBBON}, with the power off",
)
BUS = Cause(
    "the sensor's registers cannot be read or written",
    f"with the power off, {_RIBBON}; then {_PINS}: SDA and SCL",
)
FRAME_SIZE = Cause(
    "the sensor refuses the frame size", "name another settings.camera.frame_size under [deploy] in camrig.toml"
)
FORMAT = Cause("the sensor refuses the format of the picture", "use a sensor that makes JPEG, such as the OV2640")
IN_USE = Cause(
    "the driver is in use already, or its bus or timer is",
    "switch the power off and on, because a soft reset leaves the driver as it was; then open the camera once only",
)
SETTINGS = Cause("the driver refuses its settings", f'{_PINS}, and correct "camera" in camrig.json')
NO_FRAMES = Cause(
    "the sensor answers and sends no whole picture in time",
    f"with the power off, {_RIBBON}; then {_SUPPLY}; then {_PINS}: XCLK, PCLK, VSYNC and HREF",
)
DAMAGED = Cause(
    "pictures arrive damaged, or faster than they are stored",
    f"{_SUPPLY}; then {_FEWER}, or a lower xclk_freq",
)
UNKNOWN = Cause(
    "its error does not say why",
    f"with the power off, {_RIBBON}; then {_SUPPLY}; then see whether the firmware has PSRAM; then {_PINS}",
)

_BY_CODE = {
    0x101: ("ESP_ERR_NO_MEM", NO_MEMORY),
    0x102: ("ESP_ERR_INVALID_ARG", SETTINGS),
    0x103: ("ESP_ERR_INVALID_STATE", IN_USE),
    0x104: ("ESP_ERR_INVALID_SIZE", FRAME_SIZE),
    0x105: ("ESP_ERR_NOT_FOUND", NOT_DETECTED),
    0x106: ("ESP_ERR_NOT_SUPPORTED", NOT_SUPPORTED),
    0x107: ("ESP_ERR_TIMEOUT", NO_FRAMES),
    0x20001: ("ESP_ERR_CAMERA_NOT_DETECTED", NOT_DETECTED),
    0x20002: ("ESP_ERR_CAMERA_FAILED_TO_SET_FRAME_SIZE", FRAME_SIZE),
    0x20003: ("ESP_ERR_CAMERA_FAILED_TO_SET_OUT_FORMAT", FORMAT),
    0x20004: ("ESP_ERR_CAMERA_NOT_SUPPORTED", NOT_SUPPORTED),
    0xFFFFFFFF: ("ESP_FAIL", UNKNOWN),  # or -1
}
CODES = {code: cause for code, (_, cause) in _BY_CODE.items()}
NAMES = {name: code for code, (name, _) in _BY_CODE.items()}
ERRNOS = {
    **{2: NOT_DETECTED, 5: BUS, 6: NOT_DETECTED, 12: NO_MEMORY, 16: IN_USE, 19: NOT_DETECTED, 22: SETTINGS},
    **{95: NOT_SUPPORTED, 110: NO_FRAMES, 116: NO_FRAMES, 134: NOT_SUPPORTED},
}
_WORDS = tuple(
    (re.compile(pattern, re.IGNORECASE), cause)
    for pattern, cause in (
        (r"brownout detector was triggered", BROWNOUT),
        (r"psram (?:id read error|chip (?:is )?not|not found)|failed to init external ram|no psram", NO_PSRAM),
        (r"malloc failed|failed to allocate|out of memory|memory allocation failed|MemoryError", NO_MEMORY),
        (r"camera not supported|JPEG format is not supported|not supported/implemented", NOT_SUPPORTED),
        (r"camera not found|not detected|camera probe failed", NOT_DETECTED),
        (r"failed to set frame ?size", FRAME_SIZE),
        (r"failed to set (?:out|pixel) ?format", FORMAT),
        (r"already (?:initialized|in use)|invalid state", IN_USE),
        (r"invalid argument|pin .*(?:invalid|must)|has no attribute|keyword argument", SETTINGS),
        (r"failed to get (?:the )?frame|the sensor gave no frame|failed to capture|timed? ?out", NO_FRAMES),
        (r"EV-\w+-OVF|FB-OVF|FB-SIZE|NO-SOI|NO-EOI", DAMAGED),
    )
)
_BUS = re.compile(
    r"SCCB_?(?:Write|Read|Probe)\w* (?:failed|error)|i2c driver install (?:error|failed)", re.IGNORECASE
)
# A number counts where it is said to be a code: a time or an address is none.
_HEX = re.compile(r"\b0x0*([0-9a-f]{1,8})\b", re.IGNORECASE)
_SAID_TO_BE_CODE = re.compile(
    r"\b(?:errno|error|err|failed|code|ret)\b[^0-9\n]{0,24}?(0x[0-9a-f]{1,8}|-?\d{1,10})\b", re.IGNORECASE
)
_ALONE = re.compile(r"^\W*(-?\d{1,10})\W*(?:'\w+'\W*)?$")
_DRIVER = re.compile(r"^camera\.\w+: ")  # what the application puts before the driver's own words
_COLOUR = re.compile(r"(?:\x1b|\\x1b)?\[[0-9;]*m")  # also as a console makes it visible
_OF_CAMERA = re.compile(
    r"\bcamera\b|esp_camera|cam_hal|cam_dma|\bsccb|psram|external ram|frame buffer|brownout detector was triggered"
    r"|\bov\d{4}\b|\bgc\d{4}\b",
    re.IGNORECASE,
)
_NOT_OF_DRIVER = re.compile(r"^(?:camrig: |  File )|serving http://")


def causes(error: str, console: str = "", psram: bool | None = None) -> list[Cause]:
    """The causes that a driver's ``error`` and the ``console`` since the start name, the likeliest first.

    ``psram`` is whether the firmware has PSRAM, None where that is not known.
    """
    named = _causes_of_line(_DRIVER.sub("", error.strip()), is_exception=True)
    for line in camera_lines(console):
        named += _causes_of_line(line)
    if psram is False:
        named = [NO_PSRAM if cause == NO_MEMORY else cause for cause in named]
    known = list(dict.fromkeys(cause for cause in named if cause != UNKNOWN))
    # A low voltage explains all the others, and so does missing memory.
    known.sort(key=lambda cause: (cause != BROWNOUT, cause not in (NO_PSRAM, NO_MEMORY)))
    if known:
        return known
    return [UNKNOWN, NO_PSRAM] if psram is False else [UNKNOWN]


def camera_lines(console: str) -> list[str]:
    """The lines that a camera's driver has printed, each once, without colours and cut to a bound."""
    lines = (_COLOUR.sub("", line).strip()[:LONGEST_LINE] for line in console.splitlines())
    relevant = (line for line in lines if _OF_CAMERA.search(line) and not _NOT_OF_DRIVER.search(line))
    return list(dict.fromkeys(relevant))


def _causes_of_line(line: str, is_exception: bool = False) -> list[Cause]:
    """The causes that one line names: by code if it has one that is known, else by its words.

    In the text of an exception a number alone is a code too, and may be an errno.
    """
    if _BUS.search(line):  # its number is what the bus says, not the driver
        return [BUS]
    codes = [CODES[NAMES[name]] for name in re.findall(r"\bESP_[A-Z_]+\b", line) if name in NAMES]
    if not codes:
        numbers = _numbers(line, is_exception)
        codes = [cause for number in numbers if (cause := _of_number(number, is_exception)) is not None]
    if any(cause != UNKNOWN for cause in codes):
        return codes
    return [cause for pattern, cause in _WORDS if pattern.search(line)][:1]


def _numbers(line: str, is_exception: bool) -> list[int]:
    texts = _SAID_TO_BE_CODE.findall(line)
    if is_exception:
        texts += [f"0x{digits}" for digits in _HEX.findall(line)]
        texts += _ALONE.findall(line)
    return [int(text, 16) if text.lower().startswith("0x") else int(text) for text in texts]


def _of_number(number: int, is_exception: bool) -> Cause | None:
    cause = CODES.get(abs(number))
    return cause or (ERRNOS.get(abs(number)) if is_exception else None)
