"""Limits as the config file states them."""

from __future__ import annotations

import pytest
from camrig.errors import EXIT_USAGE, SettingsError
from camrig.gate.limits import Limit, parse_limit, parse_limits
from hypothesis import given
from hypothesis import strategies as st

sizes = st.floats(0, 1e300, allow_nan=False)
units = st.sampled_from(["B", "ms", "s", "B/request", "µs", "requests"])


@pytest.mark.parametrize(
    ("text", "limit", "plain"),
    [
        ("+10%", Limit("+", 10, "%"), "+10%"),
        (" +10 % ", Limit("+", 10, "%"), "+10%"),
        ("+0 B", Limit("+", 0, "B"), "+0 B"),
        ("+2ms", Limit("+", 2, "ms"), "+2 ms"),
        ("+.5 ms", Limit("+", 0.5, "ms"), "+0.5 ms"),
        ("-512 B", Limit("-", 512, "B"), "-512 B"),
        ("-2.5%", Limit("-", 2.5, "%"), "-2.5%"),
        ("< 1 B/request", Limit("<", 1, "B/request"), "< 1 B/request"),
        ("<=100ms", Limit("<=", 100, "ms"), "<= 100 ms"),
        (">20000 B", Limit(">", 20000, "B"), "> 20000 B"),
        (">= 20000 B", Limit(">=", 20000, "B"), ">= 20000 B"),
    ],
)
def test_a_limit_is_parsed_and_shown_in_plain_form(text, limit, plain):
    assert parse_limit("heap.free", text) == limit
    assert str(limit) == plain


@given(st.sampled_from(["+", "-", "<", "<=", ">", ">="]), sizes, units)
def test_a_limit_parses_from_its_own_text(sign, size, unit):
    limit = Limit(sign, size, unit)
    assert parse_limit("a.b", str(limit)) == limit


@given(st.sampled_from("+-"), st.floats(0, 99.9))
def test_a_relative_limit_parses_from_its_own_text(sign, size):
    limit = Limit(sign, size, "%")
    assert parse_limit("a.b", str(limit)) == limit


@pytest.mark.parametrize(
    "text",
    ["", "10%", "+10", "+-1 B", "+1e3 B", "+ B", "< 5%", "-100%", "-250%", "+nan B", "+inf B", "+1 B extra", "= 1 B",
     "+1,5 ms", "+" + "9" * 400 + " B", 10, None, True, ["+10%"], "+10 %%", "+1 B/request/s"],
)  # fmt: skip
def test_a_text_that_is_not_a_limit_is_refused(text):
    with pytest.raises(SettingsError) as raised:
        parse_limit("latency.preflight.total", text)
    assert "latency.preflight.total" in raised.value.what
    assert repr(text) in raised.value.what
    assert raised.value.hint
    assert raised.value.exit_code == EXIT_USAGE


@given(st.text(max_size=20))
def test_any_text_is_a_limit_or_raises_a_settings_error(text):
    try:
        limit = parse_limit("a.b", text)
    except SettingsError:
        return
    assert parse_limit("a.b", str(limit)) == limit


def test_dotted_keys_are_joined_again():
    table = {
        "latency": {"preflight": {"on_board": "+10%", "total": "+2 ms"}},
        "heap.leak_slope": "< 1 B/request",
        "heap": {"preflight.allocated": "+0 B"},
    }
    assert {name: str(limit) for name, limit in parse_limits(table).items()} == {
        "latency.preflight.on_board": "+10%",
        "latency.preflight.total": "+2 ms",
        "heap.leak_slope": "< 1 B/request",
        "heap.preflight.allocated": "+0 B",
    }


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"a b": "+1 B"}, "not a metric name"),
        ({"": "+1 B"}, "not a metric name"),
        ({"a": {"": "+1 B"}}, "not a metric name"),
        ({"a": {"b": "+1 B"}, "a.b": "+2 B"}, "two limits"),
        ({"a": {"b": 5}}, "a.b"),
    ],
)
def test_a_bad_table_names_the_metric(table, message):
    with pytest.raises(SettingsError, match=message):
        parse_limits(table)
