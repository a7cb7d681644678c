"""Whether the words of a command line name all tests of a suite, or only a part of them."""

from __future__ import annotations

import pytest
from camrig.plugin.surroundings import names_a_part

pytest_plugins = "pytester"


@pytest.mark.parametrize(
    ("testpaths", "words", "is_part"),
    [
        ("", (), False),
        ("", ("tests",), False),
        ("", (".",), False),
        ("", ("tests/test_a.py",), True),
        ("", ("tests/test_a.py::test_b",), True),
        ("", ("-v",), False),
        ("tests", (), False),
        ("tests", ("tests",), False),
        ("tests", ("./tests/../tests",), False),
        ("tests", (".",), False),
        ("tests", ("tests/inner",), True),
        ("tests", ("tests/test_a.py",), True),
        ("tests", ("other",), True),
        ("tests other", ("tests",), True),
        ("tests other", ("tests", "other"), False),
        ("tests other", ("tests", "other/test_c.py::test_c"), True),
    ],
)
def test_a_part_of_the_suite_is_one(pytester, testpaths, words, is_part):
    for folder in ("tests", "tests/inner", "other"):
        (pytester.path / folder).mkdir()
    for file in ("tests/test_a.py", "tests/inner/test_b.py", "other/test_c.py"):
        (pytester.path / file).write_text("def test_b():\n    pass\n")
    pytester.makeini(f"[pytest]\ntestpaths = {testpaths}\n" if testpaths else "[pytest]\n")
    assert names_a_part(pytester.parseconfig(*words)) is is_part
