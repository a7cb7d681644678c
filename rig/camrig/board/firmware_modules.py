"""Imports for the rig's own code on a board, from the firmware alone.

MicroPython looks for ``json``, ``os``, ``hashlib`` and others in the filesystem before it takes its own, and an
application may have files of these names, with anything in them.
"""

from __future__ import annotations


def firmware_imports(*names: str) -> str:
    """A line of MicroPython that imports ``sys`` and the modules ``names`` of the firmware."""
    return f"import sys;_p=sys.path[:];sys.path[:]=['.frozen'];import {','.join(names)};sys.path[:]=_p\n"
