"""The value that MicroPython's ``repr`` spells, without running anything."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

_NUMBERS = {"inf": float("inf"), "nan": float("nan")}
_KINDS: dict[str, Callable[..., Any]] = {
    "bytearray": bytearray,
    "frozenset": frozenset,
    "set": set,
    "OrderedDict": dict,
}


def literal(text: str) -> Any:
    """The value of a literal, or of ``inf``, ``nan``, a ``bytearray``, a set or an ``OrderedDict`` of literals.

    Raises ValueError for anything else, such as the name and the address of an object.
    """
    try:
        return _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, TypeError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"{text} is not a literal") from error


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Tuple):
        return tuple(map(_value, node.elts))
    if isinstance(node, ast.List):
        return list(map(_value, node.elts))
    if isinstance(node, ast.Set):
        return set(map(_value, node.elts))
    if isinstance(node, ast.Dict) and None not in node.keys:
        return {_value(key): _value(value) for key, value in zip(node.keys, node.values, strict=True) if key}
    if isinstance(node, ast.Name) and node.id in _NUMBERS:
        return _NUMBERS[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Name):
        return -_value(node.operand)
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in _KINDS
        and not node.keywords
    ):
        return _KINDS[node.func.id](*map(_value, node.args))
    return ast.literal_eval(node)
