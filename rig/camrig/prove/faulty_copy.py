"""Copies of a CORS library with one change each: code appended to its module, whatever the module says."""

from __future__ import annotations

import ast
import shutil
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from camrig.board.identity import MpyVersion
from camrig.deploy.compile import compile_mpy
from camrig.errors import DeployError, SettingsError

CORS = "microdot/cors.py"
_MPY = MpyVersion(6, 3, 0)  # of the virtual board

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
class Appended:
    """Code behind that of the library, without a subclass."""

    code: str

    def applied(self, text: str) -> str:
        """The text of a module with this code."""
        return f"{text}\n\n{self.code}\n" if self.code else text


class SourceChange(Protocol):
    """What makes another text of that of a module."""

    def applied(self, text: str) -> str: ...


@dataclass(frozen=True)
class Fault:
    """A change with its kind: ``behaviour``, ``time``, ``bytes``, ``leaks`` or ``harmless``.

    Costs are measured against ``baseline``, the same code without the cost, so that the wrapper itself costs nothing;
    None: against the library as it is.
    ``words``, a regular expression, says what a test that finds a behaviour fault has in its name or in its reason.
    """

    kind: str
    name: str
    change: SourceChange
    baseline: SourceChange | None = Change()
    words: str = ""


def changed_library(library: Path, folder: Path, change: SourceChange | None) -> Path:
    """A copy of ``library`` as ``folder``, which is returned, with ``change`` unless that is None.

    Raises SettingsError if the library has no microdot/cors.py, OSError if ``folder`` exists.
    """
    _source(library)
    shutil.copytree(library, folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    path = folder / CORS
    if change is not None:
        path.write_text(change.applied(path.read_text(encoding="utf-8")), encoding="utf-8")
    return folder


def demand_compiles(library: Path) -> None:
    """Raises SettingsError if ``library`` has no CORS module with source that compiles, and then no copy would."""
    path = _source(library)
    try:
        ast.parse(path.read_text(encoding="utf-8"))
        compile_mpy(path, path.name, _MPY)
    except (DeployError, SyntaxError, UnicodeDecodeError) as error:
        reason = error.what if isinstance(error, DeployError) else f"{path} does not compile: {error}"
        raise SettingsError(reason, hint="fix it and run again") from None


def _source(library: Path) -> Path:
    path = library / CORS
    if not path.is_file():
        raise SettingsError(f"{library} has no {CORS}", hint="name the folder with the library's source as --hil-lib")
    return path
