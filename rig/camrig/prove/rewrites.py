"""The same library in other words, made from its own source: locals renamed, methods reordered, comments stripped."""

from __future__ import annotations

import ast
import builtins
import io
import keyword
import tokenize
from collections.abc import Callable
from dataclasses import dataclass

_WITHOUT_STATEMENT = (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


@dataclass(frozen=True)
class Rewrite:
    """A change that makes another text of that of a module."""

    function: Callable[[str], str]

    def applied(self, text: str) -> str:
        """The text of a module, rewritten."""
        return self.function(text)


def strip_comments(text: str) -> str:
    """Without comments and docstrings, in the layout of ``ast.unparse``."""
    tree = ast.parse(text)
    for node in _documented(tree):
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree) + "\n"


def add_docstrings(text: str) -> str:
    """With a docstring in each function and method that has none."""
    tree = ast.parse(text)
    for node in _documented(tree):
        if not isinstance(node, ast.Module) and ast.get_docstring(node) is None:
            node.body.insert(0, ast.Expr(ast.Constant(f"{node.name.strip('_')}: described here.")))
    return ast.unparse(tree) + "\n"


def add_comments(text: str) -> str:
    """With a comment behind each statement that ends a line."""
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NEWLINE:
            lines[token.end[0] - 1] += "  # see above"
    return "\n".join(lines) + "\n"


def indent_by_two(text: str) -> str:
    """Indented by two spaces instead of four, except within brackets and texts."""
    lines = text.splitlines(keepends=True)
    is_first = True
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NEWLINE:
            is_first = True
        elif is_first and token.type not in _WITHOUT_STATEMENT:
            is_first = False
            line = lines[token.start[0] - 1].lstrip(" ")
            lines[token.start[0] - 1] = " " * (token.start[1] // 2) + line
    return "".join(lines)


def reorder_methods(text: str) -> str:
    """With the methods of each class in the reverse order, behind what else is in the class."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            methods = [child for child in node.body if isinstance(child, ast.FunctionDef)]
            if not any(child.decorator_list for child in methods):
                rest = [child for child in node.body if not isinstance(child, ast.FunctionDef)]
                node.body = [*rest, *reversed(methods)]
            else:  # a property must stay before its setter
                plain = [child for child in methods if not child.decorator_list]
                order = iter(reversed(plain))
                node.body = [next(order) if child in plain else child for child in node.body]
    return ast.unparse(tree) + "\n"


def rename_locals(text: str) -> str:
    """With other names for the local variables of functions, of the same length; parameters keep theirs."""
    tree = ast.parse(text)
    taken = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | set(dir(builtins))
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            parameters = {argument.arg for argument in ast.walk(function) if isinstance(argument, ast.arg)}
            shared = {
                name
                for node in ast.walk(function)
                if isinstance(node, (ast.Global, ast.Nonlocal))
                for name in node.names
            }
            stored = {
                node.id
                for node in ast.walk(function)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            }
            names = {name: _free_name(name, taken) for name in sorted(stored - parameters - shared)}
            for node in ast.walk(function):
                if isinstance(node, ast.Name) and node.id in names:
                    node.id = names[node.id]
    return ast.unparse(tree) + "\n"


def rename_private_names(text: str) -> str:
    """With other names, of the same length, for what begins with an underscore in the module and its classes."""
    tree = ast.parse(text)
    defined = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    defined |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    defined |= {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    }
    taken = set(defined)
    private = sorted(name for name in defined if name.startswith("_") and not name.startswith("__"))
    names = {name: _free_name(name, taken) for name in private}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in names:
            node.id = names[node.id]
        elif isinstance(node, ast.Attribute) and node.attr in names and _is_own(node):
            node.attr = names[node.attr]
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name in names:
            node.name = names[node.name]
    return ast.unparse(tree) + "\n"


def swap_branches(text: str) -> str:
    """With ``if not x: b else: a`` in place of ``if x: a else: b``."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and node.orelse and not isinstance(node.orelse[0], ast.If):
            node.test = ast.UnaryOp(ast.Not(), node.test)
            node.body, node.orelse = node.orelse, node.body
    return ast.unparse(tree) + "\n"


def _documented(tree: ast.Module) -> list[ast.Module | ast.ClassDef | ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))]


def _is_own(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "CORS")


def _free_name(name: str, taken: set[str]) -> str:
    """A name of the same length that is not in ``taken``, where it is added."""
    for letter in "qzjxwvkybfghmpcdlnrstuaeio":
        candidate = name[:-1] + letter
        if candidate not in taken and candidate.isidentifier() and not keyword.iskeyword(candidate):
            taken.add(candidate)
            return candidate
    return name
