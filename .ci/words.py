#!/usr/bin/env python3
"""The words that camrig does not use, in code, docs and messages, and what to write instead.

    python .ci/words.py             check the repository
    python .ci/words.py FILE ...    check these files, as pre-commit does
    python .ci/words.py --list      print the table

Phrases are searched in the text of every file. Names are searched in the syntax tree of Python files, where test
names are measured too. Each hit is one line, ``file:line: word -> instead``; the exit code is 1 if there is any.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SUFFIXES = (".py", ".md", ".toml", ".yaml")
FILE_NAMES = ("Makefile",)
SKIPPED_FOLDERS = ("build", "dist", "results", "__pycache__")  # and hidden ones, and environments
TEST_NAME_LIMIT = 70


class Phrase(NamedTuple):
    """Text that is not used. Where the pattern's group matches, the text is fine after all."""

    pattern: str
    instead: str
    example: str


class Hit(NamedTuple):
    line: int
    word: str
    instead: str


def _word(pattern: str) -> str:
    """A whole word. An underscore ends a word, so that the parts of names are words too."""
    return rf"(?<![A-Za-z]){pattern}(?![A-Za-z])"


_COMPARATIVES = "longer|more|less|later|earlier|sooner|fewer|better|worse|further|larger|smaller|faster|slower"

PHRASES = (
    Phrase(
        _word(rf"(there )?(?:is|are|was|were) no (?!(?:{_COMPARATIVES})\b)[a-z]+"),
        "is not a (there is no)",
        "the path is no folder",
    ),
    Phrase(_word("wants"), "needs, must be", "the option wants a number"),
    Phrase(_word("n[ao]ught"), "zero", "a size of nought"),
    Phrase(_word("mend(?:s|ed|ing)?"), "fix", "mend that line"),
    Phrase(_word("anew"), "again", "start anew"),
    Phrase(_word("so many"), "the number", "after so many seconds"),
    Phrase(_word("told(?! apart)"), "reported, set, known", "as told by the board"),
)

# Of classes, functions, parameters, variables, attributes and modules.
IDENTIFIERS = {
    "wind_up": "collect",
    "story": "summary",
    "settle": "recover_if_down",
    "Went": "CrashRecord",
    "went": "crash_record",
    "Docket": "Comparison",
    "docket": "comparison",
    "Patience": "ExchangeRetry",
    "Mischief": "FaultInjector",
    "mischief": "fault_injector",
    "person": "requests_session",
}

# Of variables, parameters and attributes that are assigned. An error's sentence is its attribute ``what``.
VARIABLES = ("found", "one", "other", "asked", "given", "more", "what")
NOUN = "the noun that it holds"
EXCEPTIONS = {"what": "errors.py"}  # the file whose parameters have this name


def phrase_hits(text: str) -> Iterator[Hit]:
    """Phrases in ``text``, also where one goes on in the next line of a comment or a quotation."""
    flat = re.sub(r"\n[ \t]*[#>]?", lambda gap: "\n" + " " * (len(gap[0]) - 1), text)
    for phrase in PHRASES:
        for match in re.finditer(phrase.pattern.replace(" ", r"[\s_]+"), flat, re.IGNORECASE):
            if not match.lastindex:
                yield Hit(flat.count("\n", 0, match.start()) + 1, re.sub(r"[\s_]+", " ", match[0]), phrase.instead)


def name_hits(tree: ast.AST, file: str) -> Iterator[Hit]:
    """Names in a syntax tree that no code may define or assign, and test names that are too long."""
    comparisons = _parameters_of_comparisons(tree)
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 1)
        for name in _names(node):
            if instead := IDENTIFIERS.get(name.strip("_")):
                yield Hit(line, name, instead)
            if _is_test(node) and len(name) > TEST_NAME_LIMIT:
                yield Hit(line, name, f"at most {TEST_NAME_LIMIT} characters, not {len(name)}")
        name = _assigned(node)
        if name in VARIABLES and node not in comparisons and not _is_sentence(node, name, file):
            yield Hit(line, name, NOUN)


def _names(node: ast.AST) -> list[str]:
    """The names that a node of a syntax tree bears."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        imported = [alias.asname or alias.name for alias in node.names]
        return [part for name in [getattr(node, "module", None) or "", *imported] for part in name.split(".")]
    fields = (getattr(node, field, None) for field in ("id", "attr", "arg", "name"))
    return [name for name in fields if isinstance(name, str) and not isinstance(node, ast.alias)]


def _assigned(node: ast.AST) -> str:
    """The name that a node gives a value: a variable, a parameter, an attribute."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        return node.attr
    if isinstance(node, ast.arg):
        return node.arg
    if isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
        return node.name or ""
    return ""


def _is_test(node: ast.AST) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_")


def _parameters_of_comparisons(tree: ast.AST) -> set[ast.arg]:
    """The parameters of methods such as ``__eq__``, in which ``other`` is what every reader expects."""
    return {
        argument
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("__")
        for argument in node.args.args
        if argument.arg == "other"
    }


def _is_sentence(node: ast.AST, name: str, file: str) -> bool:
    """Whether this is the sentence of a CamrigError."""
    return Path(file).name == EXCEPTIONS.get(name) and isinstance(node, (ast.arg, ast.Attribute))


def hits(path: Path) -> list[Hit]:
    """What is wrong with the words of a file, by line."""
    text = path.read_text(encoding="utf-8")
    result = list(phrase_hits(text))
    if path.suffix == ".py":
        result += name_hits(ast.parse(text, path), path.name)
    return sorted(result)


def files(root: Path) -> Iterator[Path]:
    """The files below ``root`` whose words are checked, but not this one."""
    for path in sorted(root.iterdir()):
        if path.is_dir():
            hidden = path.name.startswith(".") and path.name != ".ci"
            if not hidden and path.name not in SKIPPED_FOLDERS and not (path / "pyvenv.cfg").exists():
                yield from files(path)
        elif is_checked(path):
            yield path


def is_checked(path: Path) -> bool:
    return (path.suffix in SUFFIXES or path.name in FILE_NAMES) and path.resolve() != Path(__file__).resolve()


def table() -> str:
    """What is not used, and what is used instead."""
    rows = [(phrase.example, phrase.instead) for phrase in PHRASES]
    rows += [(f"the name {name}", instead) for name, instead in IDENTIFIERS.items()]
    rows += [(f"a variable {name}", NOUN) for name in VARIABLES]
    return "\n".join(f"{word:<28} -> {instead}" for word, instead in rows)


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    if list(arguments) == ["--list"]:
        print(table())
        return 0
    paths = [path for path in map(Path, arguments) if is_checked(path)] if arguments else list(files(root))
    count = 0
    for path in paths:
        shown = path.relative_to(root) if path.is_relative_to(root) else path
        for hit in hits(path):
            print(f"{shown}:{hit.line}: {hit.word} -> {hit.instead}")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
