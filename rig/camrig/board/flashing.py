"""Writes firmware with esptool, an optional dependency: ``pip install camrig[flash]``."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
from collections.abc import Callable
from pathlib import Path

from camrig.errors import FlashError


def reflash(port: str, image: Path | None) -> tuple[Callable[[], None] | None, str]:
    """A function that writes ``image`` through ``port``, which must be closed; or None, and the reason."""
    if image is None:
        return None, "no --firmware is given"
    if importlib.util.find_spec("esptool") is None:
        return None, "esptool is not installed (pip install camrig[flash])"
    path = image

    def write() -> None:
        esptool = importlib.import_module("esptool")
        cmds = importlib.import_module("esptool.cmds")
        try:
            # esptool prints its progress on both streams.
            with (
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
                cmds.detect_chip(port) as chip,
            ):
                stub = cmds.run_stub(chip)
                cmds.attach_flash(stub)
                with path.open("rb") as data:
                    cmds.write_flash(
                        stub, [(stub.BOOTLOADER_FLASH_OFFSET, data)], flash_mode="keep", flash_size="keep"
                    )
                cmds.reset_chip(stub, "hard-reset")
        except (esptool.FatalError, OSError) as error:
            raise FlashError(
                f"the firmware {path.name} could not be written ({str(error).partition(chr(10))[0]})",
                hint="check the wiring of IO0 and the reset line, or flash it by hand",
            ) from None

    return write, ""
