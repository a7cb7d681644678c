"""What MicroPython's repr spells is read back as the value, and nothing is run."""

from __future__ import annotations

import math

import pytest
from camrig.board.literal import literal
from hypothesis import given
from hypothesis import strategies as st

PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.binary(max_size=9)
KEYS = st.text(max_size=3)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_a_value_is_read_back(value):
    assert repr(literal(repr(value))) == repr(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("inf", math.inf),
        ("-inf", -math.inf),
        ("bytearray(b'\\x00a')", bytearray(b"\x00a")),
        ("{1, 2}", {1, 2}),
        ("frozenset({1})", frozenset({1})),
        ("OrderedDict({'a': 1})", {"a": 1}),
        (" (1,\n 2) ", (1, 2)),
    ],
)
def test_what_only_micropython_writes_so(text, value):
    assert literal(text) == value


@pytest.mark.parametrize(
    "text", ["", "<object>", "f()", "open('x')", "a.b", "1 +", "{**{}}", "[" * 300, "lambda: 0", "print", "set(1, 2)"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="is not a literal"):
        literal(text)
