"""The boot loader of an ESP32, through esptool: ``pip install camrig[flash]``."""

from __future__ import annotations

import importlib
import importlib.util
import re
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

from camrig.board.control_lines import has_lines, play, pulse
from camrig.board.line_profiles import DEVKIT, LineProfile
from camrig.board.port import open_port
from camrig.errors import FlashError, FlashReadError
from camrig.firmware.chips import chip_name
from camrig.flash.boot_loader import Connect, Done

BAUD = 115200  # at which the ROM answers
FAST = 460800  # while the stub writes
NATIVE_USB = "usb-cdc"
_BY_ESPTOOL = (DEVKIT.name, NATIVE_USB)  # wirings whose sequences esptool has itself, with its own retries
_HINT = "check cable, power and the wiring of IO0; or connect IO0 to ground, press reset, and run again"


def missing() -> str:
    """Why esptool cannot be used; empty if it can."""
    if importlib.util.find_spec("esptool") is None:
        return "esptool is not installed (pip install camrig[flash])"
    return ""


def connector(port: str, lines: LineProfile) -> Connect:
    """A function that brings the board on ``port``, which must be closed, into its boot loader."""

    def connect() -> EsptoolLoader:
        if reason := missing():
            raise FlashError(f"the boot loader cannot be reached: {reason}", hint="install it and run again")
        try:
            return EsptoolLoader(port, lines, FAST)
        except _SpeedError:
            return EsptoolLoader(port, lines, BAUD)

    return connect


class _SpeedError(Exception):
    """The line does not work at the higher speed."""


class EsptoolLoader:
    """An open boot loader; see ``BootLoader``. Raises FlashError or PortError."""

    def __init__(self, port: str, lines: LineProfile, speed: int) -> None:
        self._cmds = importlib.import_module("esptool.cmds")
        self._lines = lines
        self._port = open_port(port, BAUD, lines)
        try:
            self._enter()
            self._raise_speed(speed)
            with _errors("the chip in its boot loader does not answer"):
                self._cmds.attach_flash(self._chip)
                self.chip = chip_name(self._chip.CHIP_NAME)
                self.mac = ":".join(f"{octet:02x}" for octet in self._chip.read_mac())
                self.flash_bytes = _size(self._cmds.detect_flash_size(self._chip))
        except BaseException:
            self.close()
            raise

    def _enter(self) -> None:
        """Connect to the ROM, and load esptool's stub where the chip allows that."""
        mode = "default-reset"
        if not has_lines(self._port):
            mode = "no-reset"  # somebody has brought it there by hand
        elif self._lines.name not in _BY_ESPTOOL:
            mode = "no-reset"
            if not play(self._port, self._lines.bootloader, self._lines):
                raise FlashError(
                    f"the wiring {self._lines.name} has no boot-loader line, through which firmware is written",
                    hint="name another wiring with --hil-lines, or add a boot-loader sequence to this one",
                )
        _installed_logger()
        try:
            rom = self._cmds.detect_chip(self._port, BAUD, mode)
            _refuse_protected(rom)
            self._chip = self._cmds.run_stub(rom)
        except _esptool_errors() as error:
            raise FlashError(f"the board does not enter its boot loader ({_reason(error)})", hint=_HINT) from None

    def _raise_speed(self, speed: int) -> None:
        if speed == BAUD or not self._chip.IS_STUB or self._lines.name == NATIVE_USB:
            return
        try:
            with _errors("the line does not work at a higher speed"):
                self._chip.change_baud(speed)
                self._chip.read_mac()
        except FlashError:
            raise _SpeedError from None

    def read(self, offset: int, size: int) -> bytes:
        with _errors("the flash cannot be read", FlashReadError):
            return bytes(self._cmds.read_flash(self._chip, offset, size, no_progress=True))

    def digest(self, offset: int, size: int) -> str:
        with _errors("the flash cannot be read", FlashReadError):
            return str(self._chip.flash_md5sum(offset, size)).lower()

    def write(self, pieces: Sequence[tuple[int, bytes]], done: Done) -> None:
        listener = _installed_logger().listener
        listener.done = _in_bytes(done, [len(data) for _, data in pieces])
        try:
            # All in one call: esptool checks every piece before it erases anything. And in one attempt: esptool's
            # next one would write to whatever board is on the port by then.
            self._chip.WRITE_FLASH_ATTEMPTS = 1
            with _errors("the flash cannot be written"):
                self._cmds.write_flash(self._chip, list(pieces), flash_mode="keep", flash_size="keep")
        finally:
            listener.done = None

    def reset(self) -> None:
        with _errors("the board cannot be reset"):
            if not has_lines(self._port):
                raise FlashError("this port has no control lines", hint="press its reset button (EN or RST)")
            if self._lines.name in _BY_ESPTOOL:
                self._cmds.reset_chip(self._chip, "hard-reset")
            elif not pulse(self._port, self._lines):
                raise FlashError(f"the wiring {self._lines.name} has no reset line", hint="press its reset button")

    def close(self) -> None:
        with suppress(OSError, ValueError):
            self._port.close()


def _size(text: str | None) -> int:
    """Bytes of ``4MB`` or ``512KB``. Raises FlashError if esptool does not know the flash chip."""
    scale = {"KB": 1 << 10, "MB": 1 << 20}
    if text is None or text[-2:] not in scale or not text[:-2].isdigit():
        raise FlashError(
            "the size of the board's flash cannot be read", hint="check its power; its flash chip may be unknown"
        )
    return int(text[:-2]) * scale[text[-2:]]


def _in_bytes(done: Done, sizes: Sequence[int]) -> Callable[[int, int], None]:
    """``done`` from how far each piece is, in units of its own (compressed it is shorter), beginning with 0."""
    piece = -1

    def count(current: int, total: int) -> None:
        nonlocal piece
        piece += current == 0
        done(sum(sizes[:piece]) + sizes[piece] * current // max(1, total))

    return count


def _refuse_protected(rom: Any) -> None:
    """Raise FlashError for a chip on which a plain image cannot be written or verified."""
    if rom.secure_download_mode:
        raise FlashError(
            "the chip is in secure download mode, in which its flash cannot be read back or verified",
            hint="use a board without that fuse",
        )
    if rom.get_flash_encryption_enabled():
        raise FlashError(
            "the chip encrypts its flash, and would not boot a plain image", hint="use a board without that fuse"
        )


@contextmanager
def _errors(failure: str, kind: type[FlashError] = FlashError) -> Iterator[None]:
    """esptool's errors and those of the port, in one sentence."""
    try:
        yield
    except _esptool_errors() as error:
        raise kind(f"{failure} ({_reason(error)})", hint=_HINT) from None


def _esptool_errors() -> tuple[type[Exception], ...]:
    return (importlib.import_module("esptool").FatalError, OSError, ValueError, struct.error)


def _reason(error: Exception) -> str:
    """The first sentence of esptool's: the others advise to look into its documentation."""
    return re.split(r"\.\s|\n", str(error).strip())[0].rstrip(".") or type(error).__name__


@lru_cache(maxsize=1)
def _installed_logger() -> Any:
    """The logger that esptool has from now on: silent, except that it passes on how far a write is."""
    module = importlib.import_module("esptool.logger")

    class Logger(module.TemplateLogger):  # type: ignore[name-defined]
        listener = threading.local()  # a board of its own in each thread

        def print(self, *texts: Any, **options: Any) -> None: ...

        def note(self, message: str) -> None: ...

        def warning(self, message: str) -> None: ...

        def error(self, message: str) -> None: ...

        def stage(self, finish: bool = False) -> None: ...

        def set_verbosity(self, verbosity: str) -> None: ...

        def progress_bar(self, cur_iter: int, total_iters: int, *rest: Any, **options: Any) -> None:
            if done := getattr(self.listener, "done", None):
                done(cur_iter, total_iters)

    logger = Logger()
    module.log.set_logger(logger)
    return logger
