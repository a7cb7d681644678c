"""Copies of the library that are worse by a known amount."""

from __future__ import annotations

from pathlib import Path

from benchmarks.application import LIBRARY, ROOT

_FIRST = "        origins = self._origins\n"  # of what every response goes through
PLAIN = ("", "")
ALLOCATES_64 = ("", "bytearray(32)")  # on 64 bits: the object and its bytes, 32 each
LEAKS_16 = ("_KEPT = bytearray()", "_KEPT.extend(b'sixteen bytes it')")
# The same on 64 bits, but in steps: a list that grows doubles, and between two steps nothing rises.
LEAKS_16_IN_STEPS = ("_KEPT = []", "_KEPT.append(0); _KEPT.append(1)")
LEAKS_A_TABLE = ("_KEPT = {}\n_N = [0]", "_N[0] += 1; _KEPT[_N[0]] = None")


def slower(turns: int) -> tuple[str, str]:
    """A loop of so many turns."""
    return f"_TURNS = range({turns})", "for _ in _TURNS: pass"


def copy(folder: Path, change: tuple[str, str]) -> Path:
    """The library with a line at import and one with every response, in ``folder``."""
    before, line = change
    source = (ROOT / LIBRARY).read_text()
    assert _FIRST in source
    source = source.replace("import re\n", f"import re\n\n{before}\n", 1)
    source = source.replace(_FIRST, f"        {line or 'pass'}\n{_FIRST}", 1)
    path = folder / "microdot" / "cors.py"
    path.parent.mkdir(parents=True)
    path.write_text(source)
    return folder
