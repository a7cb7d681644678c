"""Copies of the library that are worse by a known amount: a subclass of its CORS class, appended to the module."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.application import LIBRARY, ROOT

_SUBCLASS = """

{at_import}


class CORS(CORS):
    def after_request(self, request, response):
        if request:
{per_response}
        return super().after_request(request, response)
"""


@dataclass(frozen=True)
class Fault:
    """Code that makes the library worse: run once ``at_import``, and ``per_response`` before the library's own work,
    unless the request could not be parsed.

    ``per_response`` may use ``self``, ``request`` and ``response``; ``return response`` leaves out the CORS headers.
    """

    at_import: str = ""
    per_response: str = "pass"


# No fault, but the same subclass: the other side of an exact comparison of bytes.
PLAIN = Fault()
ALLOCATES_64 = Fault(per_response="bytearray(32)")  # on 64 bits: the object and its bytes, 32 each
LEAKS_16 = Fault("_KEPT = bytearray()", "_KEPT.extend(b'sixteen bytes it')")
# The same on 64 bits, but in steps: a list that grows doubles, and between two steps nothing rises.
LEAKS_16_IN_STEPS = Fault("_KEPT = []", "_KEPT.append(0); _KEPT.append(1)")
LEAKS_A_TABLE = Fault("_KEPT = {}\n_N = [0]", "_N[0] += 1; _KEPT[_N[0]] = None")
LEAKS_OBJECTS = Fault("_KEPT = []", "_KEPT.append(bytearray(16))")  # allocates more, too
GRANTS_NOTHING = Fault(per_response="return response")


def slower(turns: int) -> Fault:
    """A loop of that many turns with every response."""
    return Fault(f"_TURNS = range({turns})", "for _ in _TURNS: pass")


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
    "page": "request.headers.get('Origin') == 'https://panel.example'",
    "stranger": "request.headers.get('Origin') == 'https://stranger.example'",
    "nobody": "request.headers.get('Origin') is None",
    "with_headers": "request.headers.get('Access-Control-Request-Headers')",
    "without_headers": "not request.headers.get('Access-Control-Request-Headers')",
    "found": "response.status_code == 200",
    "missing": "response.status_code == 404",
}


def on_kind(fault: Fault, kind: str) -> Fault:
    """``fault`` for one kind of request only. The condition allocates too: compare with PLAIN on the same kind."""
    condition = " and ".join(_CONDITIONS[word] for word in _IS_KIND[kind].split())
    return replace(fault, per_response=f"if {condition}:\n{textwrap.indent(fault.per_response, ' ' * 4)}")


def worse_library(folder: Path, fault: Fault) -> Path:
    """A copy of the library with ``fault``, made in ``folder``, which is returned. Raises OSError if it has one."""
    subclass = _SUBCLASS.format(at_import=fault.at_import, per_response=textwrap.indent(fault.per_response, " " * 12))
    path = folder / "microdot" / "cors.py"
    path.parent.mkdir(parents=True)
    path.write_text((ROOT / LIBRARY).read_text() + subclass)
    return folder
