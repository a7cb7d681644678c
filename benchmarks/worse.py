"""Copies of the library that are worse by a known amount."""

from __future__ import annotations

import textwrap
from dataclasses import replace
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


# The requests that camrig ab counts bytes of, as conditions on the board.
_IS_KIND = {
    "preflight": "OPTIONS page with_headers",
    "preflight_plain": "OPTIONS page without_headers",
    "preflight_refused": "OPTIONS stranger with_headers",
    "actual": "GET page found",
    "actual_refused": "GET stranger found",
    "actual_no_origin": "GET nobody found",
    "error": "GET page missing",
}
_CONDITIONS = {
    "OPTIONS": "request.method == 'OPTIONS'",
    "GET": "request.method == 'GET'",
    "page": "request.headers.get('Origin') == 'http://panel.example'",
    "stranger": "request.headers.get('Origin') == 'http://stranger.example'",
    "nobody": "request.headers.get('Origin') is None",
    "with_headers": "request.headers.get('Access-Control-Request-Headers')",
    "without_headers": "not request.headers.get('Access-Control-Request-Headers')",
    "found": "response.status_code == 200",
    "missing": "response.status_code == 404",
}


def on_kind(change: Change, kind: str) -> Change:
    """``change`` for one kind of request only. The condition allocates too: compare with PLAIN on the same kind."""
    condition = " and ".join(_CONDITIONS[word] for word in _IS_KIND[kind].split())
    return replace(change, per_response=f"if {condition}:\n{textwrap.indent(change.per_response, ' ' * 4)}")


def worse_library(folder: Path, change: Change) -> Path:
    """A copy of the library with ``change`` as ``folder``, which is returned. Raises OSError if that exists."""
    return changed_library(ROOT / "lib", folder, change)
