"""mpremote's protocol is used without the rest of mpremote, which others find as it is."""

from __future__ import annotations

import subprocess
import sys

ALONE = """
import sys
from camrig.board.raw_repl import SerialTransport
assert "mpremote" not in sys.modules
assert "importlib.metadata" not in sys.modules, "mpremote has looked its version up"
import mpremote.main
from mpremote.transport_serial import SerialTransport as theirs
assert mpremote.__version__[0].isdigit()
assert theirs is SerialTransport
"""
AFTER = """
import mpremote
import camrig.board.raw_repl, sys
assert sys.modules["mpremote"] is mpremote
"""


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60).stderr


def test_mpremote_is_read_in_part_and_stays_whole():
    assert run(ALONE) == ""


def test_mpremote_that_was_read_before_is_left_alone():
    assert run(AFTER) == ""
