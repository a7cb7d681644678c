"""Commands in the raw REPL. The protocol is mpremote's, which is not read before the first command is sent.

``transport`` has what mpremote's own class uses of itself: ``serial``, ``read_until``, ``use_raw_paste``,
``raw_paste_write``.
"""

from __future__ import annotations

import struct
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from typing import Any

from camrig.board.transport import RawReplError


def _protocol() -> tuple[type[Exception], Any]:
    """mpremote's error and transport.

    The package itself is passed over: it looks its own version up, with parsers that take longer to read than all of
    this room. Whoever imports it later gets it as it is.
    """
    spec = None if "mpremote" in sys.modules else PathFinder.find_spec("mpremote")
    if spec is not None:
        sys.modules["mpremote"] = module_from_spec(spec)
    try:
        from mpremote.transport import TransportError
        from mpremote.transport_serial import SerialTransport
    finally:
        if spec is not None:
            del sys.modules["mpremote"]
    return TransportError, SerialTransport


TransportError, SerialTransport = _protocol()


def submit(transport: Any, code: str | bytes) -> None:
    """Have the board run ``code``, at whose prompt it is. Raises RawReplError."""
    try:
        SerialTransport.exec_raw_no_follow(transport, code)
    except (TransportError, struct.error) as error:
        raise RawReplError(error) from None


def paste(transport: Any, code: bytes) -> None:
    """Send ``code`` as fast as the board takes it, which has agreed to that."""
    SerialTransport.raw_paste_write(transport, code)


def follow(transport: Any, seconds: float) -> tuple[bytes, bytes]:
    """Output and traceback of the command that was submitted. Raises RawReplError."""
    try:
        out, raised = SerialTransport.follow(transport, seconds)
    except TransportError as error:
        raise RawReplError(error) from None
    return bytes(out), bytes(raised)
