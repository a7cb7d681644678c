#!/usr/bin/env python3
"""Write docs/messages.md: every error of the rig as the code has it, with its hint and exit code.

    python .ci/messages.py             write the page
    python .ci/messages.py --print     print it instead

Parts that are known only when it happens are shown as an ellipsis.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from camrig import errors

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "rig"
PACKAGE = SOURCE / "camrig"
PAGE = ROOT / "docs" / "messages.md"
GAP = "…"
TOO_VAGUE = 12  # letters: of a message that has fewer, the code alone says nothing
ALTERNATIVES = 12  # of one text, at most

ROOMS = {
    "lab": "Choosing and reserving a board",
    "board": "The serial line, recovery, code of tests",
    "bringup": "Boot, and what belongs on the board",
    "deploy": "Files and deploy",
    "firmware": "Firmware images",
    "flash": "Flashing",
    "settings": "Settings",
    "starter": "camrig init",
    "virtual": "The virtual board",
    "doctor": "camrig doctor",
    "probe": "HTTP and the agent",
    "dut": "What a test asks for",
    "plugin": "pytest",
    "gate": "Limits, baselines and evidence",
    "compare": "Comparisons",
    "prove": "camrig prove",
    "watch": "camrig watch",
    "view": "camrig view",
    "report": "Results and pages",
    "history": "History",
    "soak": "camrig soak",
    "nightly": "camrig nightly",
    "release": "camrig release",
    "signing": "Signatures",
    "ota": "Firmware over the air",
    "cli": "Sub-commands",
    "bug_report": "What nobody expected",
}

INTRODUCTION = f"""\
# Every message

Written from the code by `make reference`. `{GAP}` stands for what is known only when it happens. An error is printed
as `BOARD: MESSAGE. HINT.`, on stderr or in the section *the rig is blocked* of a run;
[troubleshooting.md](troubleshooting.md) begins with symptoms, and says more about the frequent ones.
[reference.md](reference.md#exit-codes) explains the codes."""


class Message(NamedTuple):
    """An error in the code: the room it is in, its sentence, its hint (empty if there is none), its exit code."""

    room: str
    kind: str
    text: str
    hint: str
    exit_code: int


def messages() -> list[Message]:
    """Every error that the package makes of a text of its own, in the order of the code."""
    result = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if "board_side" not in path.parts:  # runs inside MicroPython
            result += _messages_of(path)
    return list(dict.fromkeys(result))


def literals() -> set[str]:
    """Every text in the rooms of board and doctor, with gaps: some sentences come from a table, or are a crash's."""
    texts = set()
    for path in [*sorted((PACKAGE / "board").glob("*.py")), *sorted((PACKAGE / "doctor").glob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.JoinedStr, ast.Constant)):
                texts |= {re.sub(r"\{\w*(?:![rsa])?\}", GAP, text) for text in _Texts({}, None).of(node)}
    return texts


def _messages_of(path: Path) -> Iterator[Message]:
    source = path.read_text(encoding="utf-8")
    if "Error(" not in source:
        return
    place = path.relative_to(SOURCE).with_suffix("").parts
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    calls = [(scope, list(_errors_in(scope))) for scope in functions]
    module = import_module(".".join(place)) if any(made for _, made in calls) else None
    for scope, made in calls:
        texts = _Texts(_assigned(scope) if made else {}, module, {node.name: node for node in functions})
        for call, kind in made:
            hint = next((keyword.value for keyword in call.keywords if keyword.arg == "hint"), ast.Constant(""))
            hints = texts.of(hint)
            for text in texts.of(call.args[0]):
                if len(re.findall(r"[a-z]", text)) >= TOO_VAGUE:
                    yield Message(place[1], kind.__name__, text, _joined(hints), kind.exit_code)


def _errors_in(tree: ast.AST) -> Iterator[tuple[ast.Call, type[errors.CamrigError]]]:
    """The calls below ``tree`` that make an error with a sentence."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            kind = getattr(errors, name, None)
            if isinstance(kind, type) and issubclass(kind, errors.CamrigError):
                yield node, kind


def _assigned(scope: ast.AST) -> dict[str, list[ast.expr]]:
    """What a function assigns to each of its variables."""
    values: dict[str, list[ast.expr]] = {}
    for node in ast.walk(scope):
        pairs: list[tuple[str, ast.expr]] = []
        if isinstance(node, ast.Assign):
            pairs = [pair for target in node.targets for pair in _pairs(target, node.value)]
        elif isinstance(node, ast.NamedExpr):
            pairs = [(node.target.id, node.value)]
        elif isinstance(node, ast.For):
            names = [name.id for name in ast.walk(node.target) if isinstance(name, ast.Name)]
            pairs = [(name, ast.Constant(None)) for name in names]
        for name, value in pairs:
            values.setdefault(name, []).append(value)
    return values


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for element, its_value in zip(target.elts, value.elts, strict=False):
            yield from _pairs(element, its_value)


class _Texts:
    """The texts that an expression may have, with gaps for what only a run knows."""

    def __init__(
        self,
        variables: Mapping[str, Sequence[ast.expr]],
        module: ModuleType | None,
        functions: Mapping[str, ast.FunctionDef] | None = None,
    ) -> None:
        self._variables, self._module = variables, module
        self._functions = functions or {}  # of the same file, by name
        self._open: set[str] = set()  # variables that are being looked up, which may name themselves

    def of(self, node: ast.expr) -> list[str]:
        return list(dict.fromkeys(self._of(node)))[:ALTERNATIVES]

    def _of(self, node: ast.expr) -> list[str]:
        if isinstance(node, ast.Constant):
            return [node.value if isinstance(node.value, str) else GAP]
        if isinstance(node, ast.JoinedStr):
            return self._product(node.values)
        if isinstance(node, ast.FormattedValue):
            return self.of(node.value) if isinstance(node.value, ast.Name) and node.conversion == -1 else [GAP]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self._product([node.left, node.right])
        if isinstance(node, ast.IfExp):
            return self.of(node.body) + self.of(node.orelse)
        if isinstance(node, ast.BoolOp):
            return [text for value in node.values for text in self.of(value)]
        if isinstance(node, ast.Call):
            return self._of_call(node)
        return self._of_name(node.id) if isinstance(node, ast.Name) else [GAP]

    def _of_call(self, node: ast.Call) -> list[str]:
        """What ``"; ".join([sentence, *notes])`` begins with, or a method of this class returns; else a gap."""
        own = (
            isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "self"
        )
        function = self._functions.get(node.func.attr) if own and isinstance(node.func, ast.Attribute) else None
        if function is not None:
            inner = _Texts(_assigned(function), self._module)  # without functions: none calls itself for ever
            returned = [part.value for part in ast.walk(function) if isinstance(part, ast.Return) and part.value]
            return [text for value in returned for text in inner.of(value)]
        is_join = isinstance(node.func, ast.Attribute) and node.func.attr == "join"
        if is_join and isinstance(node.args[0], ast.List) and len(node.args[0].elts) > 1:
            return [f"{text}; {GAP}" for text in self.of(node.args[0].elts[0])]
        return [GAP]

    def _product(self, nodes: Sequence[ast.expr]) -> list[str]:
        return [re.sub(f"{GAP}+", GAP, "".join(parts)) for parts in product(*(self.of(node)[:3] for node in nodes))]

    def _of_name(self, name: str) -> list[str]:
        constant = getattr(self._module, name, None)
        if isinstance(constant, str):
            return [constant]
        if name not in self._variables or name in self._open:
            return [GAP]
        self._open.add(name)
        texts = [text for value in self._variables[name] for text in self.of(value)]
        self._open.discard(name)
        return texts


def _joined(hints: Sequence[str]) -> str:
    """Hints as a cell: those that say something."""
    return ", or: ".join(hint for hint in hints if hint.strip(f"{GAP} "))


def page() -> str:
    """The whole page, as the code is now."""
    sections = [INTRODUCTION]
    everything = messages()
    rooms = [*ROOMS, *sorted({message.room for message in everything} - set(ROOMS))]
    for room in rooms:
        rows = [
            f"| {_cell(message.text)} | {_cell(message.hint)} | {message.exit_code} |"
            for message in everything
            if message.room == room
        ]
        if rows:
            head = "| message | hint | exit code |\n|---|---|---|"
            sections.append("\n".join([f"## {ROOMS[room]}\n", head, *dict.fromkeys(rows)]))
    return "\n\n".join(sections) + "\n"


def _cell(text: str) -> str:
    return re.sub(r"([\\`*_\[\]|<])", r"\\\1", " ".join(text.split()))


def main(arguments: Sequence[str]) -> int:
    if list(arguments) == ["--print"]:
        print(page(), end="")
    else:
        PAGE.write_text(page(), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
