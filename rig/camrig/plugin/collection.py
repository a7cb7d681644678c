"""Run as a program: what the command line of a suite collects, and what speaks against calling that the whole suite.

python -m camrig.plugin.collection ANSWER.json PYTEST ARGUMENTS
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from camrig.plugin.gate_items import GateItem
from camrig.plugin.surroundings import names_a_part

NAMED = 3  # checks that a sentence names
MARKS = {"skip": "skipped", "skipif": "skipped", "xfail": "expected to fail"}


class Collection:
    """A plugin that notes which tests are left out, and which say beforehand that they will not count."""

    def __init__(self) -> None:
        self.against: list[str] = []
        self.collected = 0
        self._deselected = self._found = 0

    def pytest_itemcollected(self) -> None:
        self._found += 1

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self._deselected += len(items)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        config = session.config
        self.collected = sum(not isinstance(item, GateItem) for item in session.items)
        if (dropped := self._found - self._deselected - self.collected) > 0:
            self.against.append(f"{_checks(dropped)} of the suite would be dropped by a hook")
        if self._deselected:
            self.against.append(f"{_checks(self._deselected)} of the suite would be deselected")
        if config.option.keyword or config.option.markexpr or names_a_part(config):
            self.against.append("only a part of the tests is selected")
        for word in dict.fromkeys(MARKS.values()):
            names = [item.nodeid for item in session.items if _mark(item) == word]
            if names:
                rest = f" and {len(names) - NAMED} others" if len(names) > NAMED else ""
                self.against.append(f"{_checks(len(names))} would be {word}: {', '.join(names[:NAMED])}{rest}")


def _checks(number: int) -> str:
    return f"{number} check{'s' * (number != 1)}"


def _mark(item: pytest.Item) -> str:
    """What a mark says of a test before it runs; a condition in the form of a text is known only then."""
    for mark in item.iter_markers():
        conditions = [*mark.args, *([mark.kwargs["condition"]] if "condition" in mark.kwargs else [])]
        is_certain = mark.name == "skip" or (mark.name == "xfail" and not conditions)
        if mark.name in MARKS and (is_certain or any(condition is True for condition in conditions)):
            return MARKS[mark.name]
    return ""


def main(words: Sequence[str]) -> int:
    """Collect, and write the answer into the file that is named first; pytest's exit code."""
    answer, *arguments = words
    collection = Collection()
    code = int(pytest.main([*arguments, "--collect-only", "-q"], plugins=[collection]))
    if code in (0, pytest.ExitCode.NO_TESTS_COLLECTED):
        if not collection.collected:
            collection.against.append("the suite has no check")
        Path(answer).write_text(json.dumps({"against": collection.against}), encoding="utf-8")
        return 0
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
