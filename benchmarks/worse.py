"""Copies of the library that are worse by a known amount."""

from __future__ import annotations

from pathlib import Path

from camrig.prove.faulty_copy import Change, changed_library

from benchmarks.application import ROOT

# No fault, but the same subclass: the other side of an exact comparison of bytes.
PLAIN = Change()
ALLOCATES_64 = Change(per_response="bytearray(32)")  # on 64 bits: the object and its bytes, 32 each
LEAKS_16 = Change("_KEPT = bytearray()", "_KEPT.extend(b'sixteen bytes it')")
# The same on 64 bits, but in steps: a list that grows doubles, and between two steps nothing rises.
LEAKS_16_IN_STEPS = Change("_KEPT = []", "_KEPT.append(0); _KEPT.append(1)")
LEAKS_A_TABLE = Change("_KEPT = {}\n_N = [0]", "_N[0] += 1; _KEPT[_N[0]] = None")
LEAKS_OBJECTS = Change("_KEPT = []", "_KEPT.append(bytearray(16))")  # allocates more, too
GRANTS_NOTHING = Change(per_response="return response")


def slower(turns: int) -> Change:
    """A loop of that many turns with every response."""
    return Change(f"_TURNS = range({turns})", "for _ in _TURNS: pass")


def worse_library(folder: Path, change: Change) -> Path:
    """A copy of the library with ``change`` as ``folder``, which is returned. Raises OSError if that exists."""
    return changed_library(ROOT / "lib", folder, change)
