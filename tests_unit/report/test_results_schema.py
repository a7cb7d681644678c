"""The published schema: what is written fits it, and the check that reading uses agrees with a complete one."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from camrig.report.json_report import SCHEMA
from camrig.report.results_schema import fault_of, results_schema
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests_unit.conftest import ROOT
from tests_unit.report.samples import EXCHANGE, TEXTS, results

PUBLISHED = json.loads((ROOT / "docs" / "results.schema.json").read_text())
COMPLETE = Draft202012Validator(PUBLISHED)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.just(2.0)
    | st.just(0.5)
    | st.sampled_from(["", "x", "failed"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["n", "name"]), inner, max_size=2),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside a value."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, entry in entries for place in places(entry, (*path, name)))]


def replaced(value: Any, path: tuple[Any, ...], entry: Any, remove: bool) -> Any:
    if not path:
        return entry
    value = copy.deepcopy(value)
    inner = value
    for name in path[:-1]:
        inner = inner[name]
    if remove:
        del inner[path[-1]]
    else:
        inner[path[-1]] = entry
    return value


def test_the_schema_is_one_and_names_its_version():
    Draft202012Validator.check_schema(PUBLISHED)
    assert results_schema() == PUBLISHED
    assert PUBLISHED["properties"]["schema"]["const"] == SCHEMA


@given(TEXTS, st.sampled_from([0, 1, 2, 3, 5, 6, 7, 130]))
def test_results_with_any_text_fit_the_schema(text, exit_code):
    data = json.loads(json.dumps(results(text, exit_code)))
    assert [error.message for error in COMPLETE.iter_errors(data)] == []
    assert fault_of(data) == ""


PLACES = places(results())


@given(st.sampled_from(PLACES), VALUES, st.booleans())
def test_the_check_agrees_with_a_complete_one(place, value, remove):
    data = replaced(results(), place, value, remove)
    assert bool(fault_of(data)) == (not COMPLETE.is_valid(data))


@pytest.mark.parametrize("place", [place for place in PLACES if place], ids=lambda place: ".".join(map(str, place)))
def test_a_fault_anywhere_is_named_where_the_schema_has_one(place):
    for value in (None, True, -1, "x", [], {}):
        data = replaced(results(), place, value, remove=False)
        fault = fault_of(data)
        assert bool(fault) == (not COMPLETE.is_valid(data)), value
        assert not fault or str(place[0]) in fault


@pytest.mark.parametrize("field", EXCHANGE)
def test_an_exchange_of_another_form_does_not_fit(field):
    assert fault_of(EXCHANGE, "exchange") == ""
    assert field in fault_of({**EXCHANGE, field: 3}, "exchange")
