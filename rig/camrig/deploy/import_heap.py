"""What each module of the application retains on the heap, asked of the board before the application runs."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath

from camrig.board.session import Session

SECONDS = 120.0  # a chip that is emulated may take seconds to collect a heap of megabytes
STARTED_BY_NAME = ("boot", "main")
LIBRARY = ("asyncio", "microdot", "microdot.cors")

# What old calls left on the stack is overwritten first: the collector takes each word there for a pointer.
_ASK = """
import gc, sys, json
def _deep(n, a=0, b=0, c=0, d=0, e=0):
    if n: _deep(n - 1, n, n, n, n, n)
def _alive():
    for _ in range(3):
        _deep(30); gc.collect()
    return gc.mem_alloc()
_found = []
_failed = []
for _name in {names}:
    if _name not in sys.modules:
        _before = _alive()
        try:
            __import__(_name)
            _found.append([_name, _alive() - _before])
        except Exception as e:
            _failed.append([_name, repr(e)])
print(json.dumps([_found, _failed]))
"""


def import_order(sources: Mapping[str, Path]) -> list[str]:
    """The modules that ``sources`` (target on the board to file) put at the top of the board, used before user.

    So each module is charged with itself and not with what it imports. Where that cannot be told, by name.
    """
    paths = {
        PurePosixPath(target).stem: path
        for target, path in sources.items()
        if PurePosixPath(target).parent == PurePosixPath("/") and PurePosixPath(target).stem not in STARTED_BY_NAME
    }
    try:
        # Sorted, because the order of a set changes from run to run, and with it who is charged with what.
        uses = {name: sorted(_imports(path) & set(paths) - {name}) for name, path in sorted(paths.items())}
        return list(TopologicalSorter(uses).static_order())
    except (CycleError, SyntaxError):
        return sorted(paths)


def retained(session: Session, modules: Iterable[str]) -> tuple[dict[str, int], dict[str, str]]:
    """Bytes that stay allocated after the import of each module, in the order given, and why some cannot be imported.

    None for a module that was there before. The board must be in the raw REPL, and is afterwards; it has to be
    restarted before the application runs. Raises BlockedError when the board gets stuck in an import.
    """
    found, failed = session.ask(_ASK.format(names=json.dumps(list(modules))), SECONDS)
    return dict(found), dict(failed)


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found
