"""Which modules are imported, by what their sources say, without running them.

Imports in functions and in ``try`` count, relative ones too, and ``__import__`` of a constant. Of bytecode, the names
that it uses can be seen, but not what for: each that is the name of a module may be an import of it.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath

from camrig.deploy.build_cache import keep, key_of, stored
from camrig.deploy.layers import is_module, stem

_CAUGHT = ("ImportError", "Exception", "BaseException")
_NAME_IN_BYTECODE = re.compile(rb"[A-Za-z_][\w.]*(?=\0)")

Modules = Mapping[str, tuple[str, Path]]  # name under which a module is imported: target on the board, source


@dataclass(frozen=True)
class Import:
    """A ``module`` that is imported, if there is one: the last part may be another name of the module before it.

    ``optional``: the importing module goes on without it.
    """

    module: str
    optional: bool


@dataclass(frozen=True)
class Reached:
    """``modules`` that are imported, by name; ``missing`` are names of which there is no file, and who imports them.

    Those of imports whose failure is caught, or that are imported by such a module, are not in ``missing``.
    """

    modules: frozenset[str]
    missing: Mapping[str, str] = field(default_factory=dict)


def modules_by_name(files: Mapping[str, Path]) -> Modules:
    """Target and source by the name of the module, out of ``files`` (target on the board to source)."""
    return {module_name(target): (target, source) for target, source in sorted(files.items()) if is_module(target)}


def module_name(target: str) -> str:
    """The name under which the module at ``target`` on the board is imported."""
    parts = PurePosixPath(stem(target)).parts[1:]
    parts = parts[1:] if len(parts) > 1 and parts[0] == "lib" and parts[1] != "__init__" else parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


def reach(modules: Modules, starts: Iterable[str], bytecode: bool = True) -> Reached:
    """What ``starts`` import, and what these import; what ``.mpy`` modules import only if ``bytecode``.

    Sources are read; one that cannot be read or parsed imports nothing.
    """
    required: dict[str, bool] = {}  # whether a module is imported where a failure is not caught
    missing: dict[str, str] = {}
    waiting = [(name, True) for name in starts if name in modules]
    while waiting:
        name, needed = waiting.pop()
        if required.get(name) in (True, needed):
            continue
        required[name] = needed
        for imported in _imports(modules, name, bytecode):
            known = _known(modules, imported)
            waiting += [(module, needed and not imported.optional) for module in known]
            if needed and not imported.optional and not known:
                missing.setdefault(imported.module.partition(".")[0], name)
    return Reached(frozenset(required), missing)


def imported_by(modules: Modules, name: str) -> set[str]:
    """The modules that the source of ``name`` imports, and the packages that contain them."""
    return {module for imported in _imports(modules, name, bytecode=False) for module in _known(modules, imported)}


def _known(modules: Modules, imported: Import) -> list[str]:
    parts = imported.module.split(".")
    names = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
    return [name for name in names if name in modules]


def _imports(modules: Modules, name: str, bytecode: bool) -> Iterable[Import]:
    target, source = modules[name]
    try:
        data = source.read_bytes()
    except OSError:
        return ()
    if target.endswith(".mpy"):
        return _of_bytecode(data, modules) if bytecode else ()
    return imports_of(data, name if PurePosixPath(target).stem == "__init__" else name.rpartition(".")[0])


def _of_bytecode(data: bytes, modules: Modules) -> Iterator[Import]:
    names = {match.decode() for match in _NAME_IN_BYTECODE.findall(data)}
    for module in modules:
        package, _, last = module.rpartition(".")
        if module in names or (package and {package, last} <= names):
            yield Import(module, optional=True)


@lru_cache(maxsize=256)
def imports_of(source: bytes, package: str) -> tuple[Import, ...]:
    """The imports of Python ``source`` in ``package``, empty for none; none for what cannot be parsed."""
    key = key_of(__file__, sys.version.encode(), package.encode(), source)  # parsing takes longer than all else
    if (kept := stored(key)) is not None:
        return tuple(Import(module, optional) for module, optional in json.loads(kept))
    imports = _parsed(source, package)
    keep(key, json.dumps([(imported.module, imported.optional) for imported in imports]).encode())
    return imports


def _parsed(source: bytes, package: str) -> tuple[Import, ...]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
        return tuple(dict.fromkeys(_of_tree(tree, package)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()


def _of_tree(tree: ast.Module, package: str) -> Iterator[Import]:
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]  # and whether a failure of the import is caught
    while waiting:
        node, optional = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, optional) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from _of_from(node, package, optional)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "__import__":
            names = [argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)]
            yield from (Import(name, optional) for name in names if isinstance(name, str))
        if isinstance(node, ast.If) and _is_false(node.test):
            waiting += [(child, optional) for child in node.orelse]
        elif isinstance(node, ast.Try) and any(map(_catches, node.handlers)):
            waiting += [(child, True) for child in (*node.body, *node.handlers)]
            waiting += [(child, optional) for child in (*node.orelse, *node.finalbody)]
        else:
            waiting += [(child, optional) for child in ast.iter_child_nodes(node)]


def _of_from(node: ast.ImportFrom, package: str, optional: bool) -> Iterator[Import]:
    base = package.split(".") if node.level and package else []
    above = base[: max(0, len(base) - node.level + 1)] if node.level else []
    module = ".".join([*above, *filter(None, [node.module])])
    names = [f"{module}.{alias.name}" if module else alias.name for alias in node.names if alias.name != "*"]
    yield from (Import(name, optional) for name in names or [module])


def _is_false(test: ast.expr) -> bool:
    """Whether MicroPython never takes the branch: ``if False``, or ``if TYPE_CHECKING`` of an editor's."""
    if isinstance(test, ast.Constant):
        return not test.value
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _catches(handler: ast.ExceptHandler) -> bool:
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or (isinstance(kind, ast.Name) and kind.id in _CAUGHT) for kind in types)
