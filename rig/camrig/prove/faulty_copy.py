"""Copies of a CORS library with one change each: code appended to its module, whatever the module says."""

from __future__ import annotations

import shutil
import textwrap
from dataclasses import dataclass
from pathlib import Path

from camrig.errors import SettingsError

CORS = "microdot/cors.py"

_SUBCLASS = """

{at_import}


class CORS(CORS):
    def after_request(self, request, response):
        if request:
{per_response}
        response = super().after_request(request, response) or response
        if request and response is not type(response).already_handled:
            headers = response.headers
{after_response}
        return response
{methods}
"""


@dataclass(frozen=True)
class Change:
    """Code for a subclass of the library's class: ``at_import`` runs once, ``per_response`` before the library's own
    work and ``after_response`` behind it, neither where the request could not be parsed; ``methods`` are added.

    ``per_response`` may use ``self``, ``request`` and ``response``, ``after_response`` also ``headers``.
    ``return response`` in ``per_response`` leaves out the CORS headers.
    """

    at_import: str = ""
    per_response: str = "pass"
    after_response: str = "pass"
    methods: str = ""

    def applied(self, text: str) -> str:
        """The text of a module with this change."""
        blocks = {
            "per_response": textwrap.indent(self.per_response, " " * 12),
            "after_response": textwrap.indent(self.after_response, " " * 12),
            "methods": textwrap.indent(self.methods, " " * 4),
        }
        return text + _SUBCLASS.format(at_import=self.at_import, **blocks)


@dataclass(frozen=True)
class Fault:
    """A change with its kind: ``behaviour``, ``time``, ``bytes``, ``leaks`` or ``harmless``.

    A cost is measured against ``baseline``: the same code without the cost, so that the wrapper itself costs nothing.
    """

    kind: str
    name: str
    change: Change
    baseline: Change = Change()


def changed_library(library: Path, folder: Path, change: Change) -> Path:
    """A copy of ``library`` with ``change`` as ``folder``, which is returned.

    Raises SettingsError if the library has no microdot/cors.py, OSError if ``folder`` exists.
    """
    if not (library / CORS).is_file():
        raise SettingsError(f"{library} has no {CORS}", hint="name the folder with the library's source as --hil-lib")
    shutil.copytree(library, folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    path = folder / CORS
    path.write_text(change.applied(path.read_text(encoding="utf-8")), encoding="utf-8")
    return folder
