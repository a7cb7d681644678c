"""How much heap each module of the application retains, measured on the board before the application runs."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath

from camrig.board.session import Session

SECONDS = 120.0  # an emulated chip may take seconds to collect a heap of megabytes
SECONDS_FOR_LIBRARY = 30.0
STARTED_BY_NAME = ("boot", "main")
LIBRARY_MODULES = ("asyncio", "microdot", "microdot.cors")

# What earlier calls left on the stack is overwritten first: the collector takes each word there for a pointer.
_MEASURE = """
import gc, sys, json
def _deep(n, a=0, b=0, c=0, d=0, e=0):
    if n: _deep(n - 1, n, n, n, n, n)
def _alive():
    for _ in range(3):
        _deep(30); gc.collect()
    return gc.mem_alloc()
_retained = []
_failed = []
for _name in {names}:
    if _name not in sys.modules:
        _before = _alive()
        try:
            __import__(_name)
            _retained.append([_name, _alive() - _before])
        except Exception as e:
            _failed.append([_name, repr(e)])
print(json.dumps([_retained, _failed]))
"""


def import_order(sources: Mapping[str, Path]) -> list[str]:
    """The modules in the board's root folder, out of ``sources`` (target on the board to file), imports first.

    So the heap of each module is its own, without that of its imports. Modules that import each other, or cannot be
    parsed, are in the order of their names.
    """
    paths = {
        PurePosixPath(target).stem: path
        for target, path in sources.items()
        if PurePosixPath(target).parent == PurePosixPath("/") and PurePosixPath(target).stem not in STARTED_BY_NAME
    }
    try:
        # Sorted, because the order of a set changes from run to run, and with it the figures.
        imports = {name: sorted(_imports(path) & set(paths) - {name}) for name, path in sorted(paths.items())}
        return list(TopologicalSorter(imports).static_order())
    except (CycleError, SyntaxError):
        return sorted(paths)


def measure_imports(
    session: Session, modules: Iterable[str], seconds: float = SECONDS
) -> tuple[dict[str, int], dict[str, str]]:
    """Bytes that stay allocated after the import of each module, in the order given, and errors by module.

    A module that has been imported before is left out. The board must be in the raw REPL, and is afterwards; it has
    to be restarted before the application runs. Raises BlockedError when the board gets stuck in an import.
    """
    sizes, errors = session.ask(_MEASURE.format(names=json.dumps(list(modules))), seconds)
    return dict(sizes), dict(errors)


def _imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names
