"""Code for the copies of a library: the conditions and the changes of headers that most faults are made of.

It runs on the board and, in the tests of the catalogue, on CPython.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from camrig.prove.faulty_copy import Change, Fault

AC = "Access-Control-"
ORIGIN = "request.headers.get('Origin', '')"
PREFLIGHT = f"request.method == 'OPTIONS' and request.headers.get('{AC}Request-Method')"
NAMES = f"request.headers.get('{AC}Request-Headers', '')"
ALLOWED = f"headers.get('{AC}Allow-Origin')"
REFLECT = f"headers['{AC}Allow-Origin'] = request.headers['Origin']"
_STRIP = (
    "for name in list(headers):\n    if name.lower().startswith('access-' + 'control-'):\n        headers.pop(name)"
)


def without(header: str, condition: str = "True") -> str:
    """Leave out a header."""
    return f"if {condition}:\n    headers.pop('{header}', None)"


def with_header(header: str, value: str, condition: str) -> str:
    """Send a header with a value, both as code."""
    return f"if {condition}:\n    headers['{header}'] = {value}"


def changed(header: str, value: str, condition: str = "True") -> str:
    """Send another value where the header is sent; ``value`` may use ``text``, what the header says."""
    return f"text = headers.get('{header}')\nif text and ({condition}):\n    headers['{header}'] = {value}"


def grants(condition: str) -> str:
    """Allow the origin of a request that a list refuses; ``condition`` may use ``origin`` and ``listed``."""
    return (
        f"origin = {ORIGIN}\nlisted = self.allowed_origins\n"
        f"if origin and isinstance(listed, list) and origin not in listed and ({condition}):\n    {REFLECT}"
    )


def strips(condition: str) -> str:
    """Leave out all CORS headers."""
    return f"if {condition}:\n" + textwrap.indent(_STRIP, "    ")


def refuses(condition: str) -> str:
    """Leave out the headers of an allowed request; ``condition`` may use ``origin`` and ``listed``."""
    return f"origin = {ORIGIN}\nlisted = self.allowed_origins\n" + strips(f"{ALLOWED} and ({condition})")


def has_status(status: int, condition: str) -> str:
    """Answer with another status."""
    return f"if {condition}:\n    response.status_code = {status}"


def any_entry(condition: str) -> str:
    """A condition that any entry of the list fulfils."""
    return f"any({condition} for entry in listed if entry)"


def faults(words: str, changes: Mapping[str, str | Change]) -> tuple[Fault, ...]:
    """Behaviour faults by name, as changes of the finished response or of more than that.

    ``words``: a regular expression for what a test that finds such a fault has in its name, or in its reason.
    """
    return tuple(
        Fault("behaviour", name, change if isinstance(change, Change) else Change(after_response=change), words=words)
        for name, change in changes.items()
    )
