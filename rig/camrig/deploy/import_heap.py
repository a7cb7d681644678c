"""How much heap each module of the application takes, measured on the board before the application runs."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath

from camrig.board.session import Session

ROOM = 256 * 1024  # bytes that are free before the collector is turned off: a module may come as source
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
_allocated = []
_failed = []
for _name in {names}:
    if _name not in sys.modules:
        _before = _alive()
        if gc.mem_free() > {room}:
            gc.disable()
        try:
            __import__(_name)
            if not gc.isenabled():
                _allocated.append([_name, gc.mem_alloc() - _before])
            gc.enable()
            _retained.append([_name, _alive() - _before])
        except Exception as e:
            _failed.append([_name, repr(e)])
        gc.enable()
print(json.dumps([_retained, _allocated, _failed]))
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


@dataclass(frozen=True)
class ImportSizes:
    """Bytes by module, in the order of import: those that stay, and those that it allocates with the collector off.

    The latter are missing where the heap has too little room. ``errors`` has the modules that cannot be imported.
    """

    retained: dict[str, int]
    allocated: dict[str, int]
    errors: dict[str, str]

    def joined(self, others: ImportSizes) -> ImportSizes:
        """These and those of ``others``, which were imported after them."""
        return ImportSizes(
            self.retained | others.retained, self.allocated | others.allocated, self.errors | others.errors
        )


def measure_imports(session: Session, modules: Iterable[str], seconds: float = SECONDS) -> ImportSizes:
    """What the import of each module takes, in the order given.

    A module that has been imported before is left out. The board must be in the raw REPL, and is afterwards; it has
    to be restarted before the application runs. Raises BlockedError when the board gets stuck in an import.
    """
    script = _MEASURE.format(names=json.dumps(list(modules)), room=ROOM)
    return ImportSizes(*map(dict, session.ask(script, seconds)))


def _imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names
