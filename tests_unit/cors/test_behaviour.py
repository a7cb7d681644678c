"""The library's behaviour, row by row, on CPython and inside MicroPython."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cases import cases

CASES = list(cases())
NAMES = [name for name, _ in CASES]


def test_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=NAMES)
def test_cpython(case: Callable[[], None]) -> None:
    case()


@pytest.mark.parametrize("name", NAMES)
def test_micropython(name: str, micropython_results: dict[str, str | None]) -> None:
    assert micropython_results.get(name, "did not run") is None, micropython_results.get(name)
