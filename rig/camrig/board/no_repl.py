"""Why a board does not enter the raw REPL, from what it sent instead. Pure."""

from __future__ import annotations

import re

from camrig.board.console_excerpt import excerpt
from camrig.board.reset_detector import CAUSE
from camrig.errors import BoardSilentError, BootLoaderError, CamrigError, NoMicroPythonError

PRESS_RESET = "run again and press the board's reset button (EN or RST) in the first seconds"
# What MicroPython and its programs print, and other firmware does not.
MICROPYTHON = re.compile(
    rb"MicroPython v?\d|MPY: soft reboot|Traceback \(most recent call last\)|raw REPL; CTRL-B|serving http:/|camrig: "
)
BOOT_LOOP = 3  # restarts; opening the port causes one
CAUGHT = b"KeyboardInterrupt"  # printed by a program that goes on
DOWNLOADING = b"waiting for download"  # printed by an ESP32's boot loader


def no_repl_error(board: str, output: bytes, seconds: float) -> CamrigError:
    """The error for a ``board`` that sent ``output`` instead of entering the raw REPL."""
    if DOWNLOADING in output:
        return BootLoaderError(
            "the chip waits in its boot loader instead of running MicroPython",
            board=board,
            hint="release IO0 from ground and press reset; on some carrier boards another program's "
            "control lines hold it there",
        )
    if len(causes := CAUSE.findall(output)) >= BOOT_LOOP:
        return BoardSilentError(
            f"the board restarts over and over ({causes[-1].decode()})",
            board=board,
            hint="if its main.py resets it, erase its flash and write MicroPython again; else check its power",
        )
    if not output.translate(None, b"\r\n\x01\x03\x04 "):
        return BoardSilentError(
            f"nothing answers on the serial line within {seconds:.0f} s",
            board=board,
            hint="check power, cable and baud rate, and that this is the board's port; if its program ignores "
            "Ctrl-C, run again and press its reset button (EN or RST) in the first seconds",
        )
    if CAUGHT in output:
        return BoardSilentError(
            "Ctrl-C (KeyboardInterrupt) is caught by the program on the board, which goes on",
            board=board,
            hint=f"{PRESS_RESET}; then let it pass KeyboardInterrupt on",
            details=_excerpt(output),
        )
    if MICROPYTHON.search(output):
        return ctrl_c_ignored(board, _excerpt(output))
    lines = output.decode("ascii", "replace").strip().splitlines()
    return NoMicroPythonError(
        "something answers, but it is not a MicroPython REPL",
        board=board,
        hint="flash MicroPython on it, or check the baud rate",
        details="\n".join(lines[-12:]),
    )


def ctrl_c_ignored(board: str, details: str) -> BoardSilentError:
    """The error for a board that runs MicroPython, and a program that goes on after Ctrl-C."""
    return BoardSilentError(
        "the program on the board goes on after Ctrl-C, which should lead to MicroPython's prompt",
        board=board,
        hint=f"{PRESS_RESET}; then let it pass KeyboardInterrupt on",
        details=details,
    )


def _excerpt(output: bytes) -> str:
    return excerpt(output.decode("utf-8", "replace").replace("\r\n", "\n"), 12)
