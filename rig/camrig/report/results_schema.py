"""The published schema of results, and a check of plain data against it.

The check knows the words of JSON Schema that docs/results.schema.json uses, and refuses others: the tests compare it
with a complete implementation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

NAME = "results.schema.json"
_CHECKOUT = Path(__file__).resolve().parents[3] / "docs"
_ANNOTATIONS = {"$schema", "$id", "$defs", "title", "description"}
_TYPES: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
}


@lru_cache(maxsize=1)
def results_schema() -> dict[str, Any]:
    """The schema, from inside the installed package, else from the checkout."""
    packaged = Path(__file__).with_name(NAME)
    schema: dict[str, Any] = json.loads((packaged if packaged.exists() else _CHECKOUT / NAME).read_text("utf-8"))
    return schema


def fault_of(value: Any, part: str = "") -> str:
    """Where ``value`` is not what the schema, or its ``part`` of that name, says, and why; empty where it fits."""
    schema = results_schema()
    return _fault(value, schema["$defs"][part] if part else schema, "")


def _fault(value: Any, schema: Mapping[str, Any], place: str) -> str:
    for word, rule in schema.items():
        if word in _ANNOTATIONS:
            continue
        if fault := _RULES[word](value, rule, place):
            return fault
    return ""


def _at(place: str, reason: str) -> str:
    return f"{place or 'the file'} {reason}"


def _reference(value: Any, rule: str, place: str) -> str:
    return _fault(value, results_schema()["$defs"][rule.rpartition("/")[2]], place)


def _any_of(value: Any, rules: list[Mapping[str, Any]], place: str) -> str:
    faults = [_fault(value, rule, place) for rule in rules]
    return faults[-1] if all(faults) else ""


def _type(value: Any, rule: str | list[str], place: str) -> str:
    names = [rule] if isinstance(rule, str) else rule
    for name in names:
        if isinstance(value, _TYPES[name]) and (isinstance(value, bool) <= (name == "boolean")):
            return ""
        if name == "integer" and isinstance(value, float) and value.is_integer():
            return ""
    return _at(place, f"is not of the type {' or '.join(names)}")


def _constant(value: Any, rule: Any, place: str) -> str:
    return "" if value == rule and isinstance(value, bool) == isinstance(rule, bool) else _at(place, f"is not {rule}")


def _choice(value: Any, rule: list[Any], place: str) -> str:
    return "" if isinstance(value, str) and value in rule else _at(place, f"is none of {', '.join(rule)}")


def _pattern(value: Any, rule: str, place: str) -> str:
    return _at(place, "has another form") if isinstance(value, str) and not re.search(rule, value) else ""


def _minimum(value: Any, rule: float, place: str) -> str:
    is_less = isinstance(value, (int, float)) and not isinstance(value, bool) and value < rule
    return _at(place, f"is less than {rule}") if is_less else ""


def _required(value: Any, rule: list[str], place: str) -> str:
    missing = [name for name in rule if name not in value] if isinstance(value, dict) else []
    return _at(place, f"lacks {missing[0]}") if missing else ""


def _properties(value: Any, rule: Mapping[str, Any], place: str) -> str:
    if not isinstance(value, dict):
        return ""
    faults = (_fault(value[name], part, _inside(place, name)) for name, part in rule.items() if name in value)
    return next(filter(None, faults), "")


def _every_property(value: Any, rule: Mapping[str, Any], place: str) -> str:
    if not isinstance(value, dict):
        return ""
    return next(filter(None, (_fault(entry, rule, _inside(place, name)) for name, entry in value.items())), "")


def _items(value: Any, rule: Mapping[str, Any], place: str) -> str:
    if not isinstance(value, list):
        return ""
    return next(filter(None, (_fault(entry, rule, f"{place}[{number}]") for number, entry in enumerate(value))), "")


def _fewest(value: Any, rule: int, place: str) -> str:
    return _at(place, f"has fewer than {rule} entries") if isinstance(value, list) and len(value) < rule else ""


def _most(value: Any, rule: int, place: str) -> str:
    return _at(place, f"has more than {rule} entries") if isinstance(value, list) and len(value) > rule else ""


def _inside(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


_RULES: dict[str, Callable[[Any, Any, str], str]] = {
    "$ref": _reference,
    "additionalProperties": _every_property,
    "anyOf": _any_of,
    "const": _constant,
    "enum": _choice,
    "items": _items,
    "maxItems": _most,
    "minItems": _fewest,
    "minimum": _minimum,
    "pattern": _pattern,
    "properties": _properties,
    "required": _required,
    "type": _type,
}
