"""How much heap each module of the application takes, measured on the board before the application runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath

from camrig.board.firmware_modules import firmware_imports
from camrig.board.session import Session
from camrig.deploy.contents import STARTED_BY_NAME
from camrig.deploy.imports import imported_by, modules_by_name, reach

ROOM = 256 * 1024  # bytes that are free before the collector is turned off: a module may come as source
SECONDS = 30.0  # and what the collections take at the board's pace
COLLECTIONS = 7  # for each module
MOST_NAMES = 125  # times 32, which are interned until their table grows
TABLE = 10000  # bytes: of the names, and of a table with room for a thousand more, which no application fills
LIBRARY_MODULES = ("asyncio", "microdot", "microdot.cors")

# What earlier calls left on the stack is overwritten first: the collector takes each word there for a pointer.
# The table of interned names grows to twice its size when it is full: here, rather than in some import or other.
_MEASURE = """
import gc, sys
if {fresh} and gc.mem_free() > {room}:
    gc.disable()
    _after = gc.mem_free()
    for _names in range({most_names}):
        _before = _after
        for _name in range(32):
            hasattr(gc, '_%d_%d' % (_names, _name))
        _after = gc.mem_free()
        if _before - _after > {table} or _after < {room} // 2:
            break
    gc.enable()
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
sys.modules.pop('json', None)
{imports}print(json.dumps([_retained, _allocated, _failed]))
"""


def import_order(sources: Mapping[str, Path]) -> list[str]:
    """The modules in the board's root folder that boot.py and main.py import, by whatever way, imports first.

    ``sources`` are all files, target on the board to source. So the heap of each module is its own, without that of
    its imports, and no script runs that nobody imports. Modules that import each other are in the order of their
    names. What only a ``.mpy`` module imports is measured as a part of it.
    """
    modules = modules_by_name({target: path for target, path in sources.items() if not _is_imported_before(target)})
    reached = reach(modules, STARTED_BY_NAME, bytecode=False).modules
    names = sorted(
        name
        for name in reached - set(STARTED_BY_NAME)
        if PurePosixPath(modules[name][0]).parent == PurePosixPath("/")
    )
    try:
        # Sorted, because the order of a set changes from run to run, and with it the figures.
        imports = {name: sorted(imported_by(modules, name) & set(names) - {name}) for name in names}
        return list(TopologicalSorter(imports).static_order())
    except CycleError:
        return names


def _is_imported_before(target: str) -> bool:
    return target.startswith("/lib/microdot/")


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


def measure_imports(session: Session, modules: Sequence[str], fresh: bool = True) -> ImportSizes:
    """What the import of each module takes, in the order given.

    A module that has been imported before is left out. ``fresh``: nothing was measured in this interpreter yet. The
    board must be in the raw REPL, and is afterwards; it has to be restarted before the application runs. Raises
    BlockedError when the board gets stuck in an import.
    """
    script = _MEASURE.format(
        names=json.dumps(modules),
        fresh=fresh,
        room=ROOM,
        most_names=MOST_NAMES,
        table=TABLE,
        imports=firmware_imports("json"),
    )
    limit = session.pace.limit(SECONDS, collections=COLLECTIONS * len(modules))
    return ImportSizes(*map(dict, session.ask(script, limit)))
