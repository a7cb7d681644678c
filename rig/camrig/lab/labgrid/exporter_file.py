"""What an exporter offers: boards, their names, and the file that labgrid's exporter reads; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

VIRTUAL, USB, PORT = "virtual", "usb", "port"


@dataclass(frozen=True)
class OfferedBoard:
    """One board: the ``name`` of its place, what ``kind`` it is, its port, and its USB serial number.

    The number is empty unless it is unique here: by that the exporter finds the port, wherever it is plugged in.
    """

    name: str
    kind: str
    port: str
    usb_serial: str = ""

    def pattern(self, exporter: str) -> str:
        """What matches its resources."""
        return f"{exporter}/{self.name}/*"


def exporter_file(boards: Sequence[OfferedBoard], baud: int) -> str:
    """The text of the exporter's file: JSON, which is YAML too.

    labgrid reads it as a template of jinja's first, which no serial number may open.
    """
    groups = {}
    for board in boards:
        if board.usb_serial:
            resource = {"USBSerialPort": {"match": {"ID_SERIAL_SHORT": board.usb_serial}, "speed": baud}}
        else:
            resource = {"RawSerialPort": {"port": board.port, "speed": baud}}
        groups[board.name] = resource
    text = json.dumps(groups, indent=2, ensure_ascii=True)
    return re.sub(r"\{(?=[{%#])", r"\\u007b", text) + "\n"


def place_name(exporter: str, part: str, taken: Sequence[str]) -> str:
    """A name for a board's place that is not ``taken``: labgrid's patterns and paths allow few characters."""
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", f"{exporter}-{part}").strip("-")
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name}-{number}"
    return unique
