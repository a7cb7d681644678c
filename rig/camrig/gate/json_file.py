"""Files of the gate: JSON with kind and schema version, written whole or not at all, every field checked on reading.

The only module of this room that touches a disk.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from camrig.errors import BaselineError


def save(path: Path, kind: str, schema: int, data: Mapping[str, Any]) -> None:
    """Write ``data`` to ``path``; its folder is made when missing. The same data gives the same bytes.

    Raises BaselineError when it cannot be written.
    """
    whole_text = text(kind, schema, data)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            whole.write_text(whole_text, encoding="utf-8", newline="\n")
            os.replace(whole, path)
        finally:
            whole.unlink(missing_ok=True)
    except OSError as error:
        raise BaselineError(f"the {kind} {path} cannot be written: {error.strerror}") from None


def text(kind: str, schema: int, data: Mapping[str, Any]) -> str:
    """What ``save`` writes."""
    return json.dumps({"kind": kind, "schema": schema, **data}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def load(path: Path | zipfile.Path, kind: str, schema: int, how: str) -> Fields:
    """The fields of a file that ``save`` wrote; ``how`` tells the user how to make one.

    Raises BaselineError for a missing, damaged or foreign file.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BaselineError(f"there is no {kind} {path}", hint=how) from None
    except OSError as error:
        raise BaselineError(f"the {kind} {path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError, zipfile.BadZipFile, zlib.error):
        raise BaselineError(f"the {kind} {path} is damaged: it is no JSON", hint=how) from None
    fields = Fields(data, f"the {kind} {path}", how)
    if fields.text("kind") != kind:
        raise BaselineError(f"{path} is no {kind}", hint=how)
    found = fields.whole("schema")
    if found != schema:
        raise BaselineError(f"the {kind} {path} has schema {found}, this camrig reads {schema}", hint=how)
    return fields


class Fields:
    """A JSON object read field by field. Every method raises BaselineError, naming file and field."""

    def __init__(self, data: Any, where: str, how: str) -> None:
        self._where, self._how = where, how
        if not isinstance(data, dict):
            raise self.wrong("an object is not where it should be")
        self._data: dict[str, Any] = data

    def wrong(self, what: str) -> BaselineError:
        return BaselineError(f"{self._where} is damaged: {what}", hint=self._how)

    def text(self, name: str) -> str:
        value = self._get(name)
        if not isinstance(value, str):
            raise self.wrong(f"{name} is no text")
        return value

    def flag(self, name: str) -> bool:
        value = self._get(name)
        if not isinstance(value, bool):
            raise self.wrong(f"{name} is neither true nor false")
        return value

    def whole(self, name: str) -> int:
        value = self._get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong(f"{name} is no whole number")
        return value

    def wholes(self, name: str) -> tuple[int, ...]:
        return tuple(Fields({name: value}, self._where, self._how).whole(name) for value in self._list(name))

    def maybe_whole(self, name: str) -> int | None:
        return None if self._get(name) is None else self.whole(name)

    def number(self, name: str) -> float:
        return self._number(name, self._get(name))

    def maybe_number(self, name: str) -> float | None:
        return None if self._get(name) is None else self.number(name)

    def numbers(self, name: str) -> tuple[float, ...]:
        return tuple(self._number(name, value) for value in self._list(name))

    def inner(self, name: str) -> Fields:
        return Fields(self._get(name), f"{self._where}, {name}", self._how)

    def inners(self, name: str) -> list[Fields]:
        return [
            Fields(value, f"{self._where}, {name} {place}", self._how) for place, value in enumerate(self._list(name))
        ]

    def names(self) -> list[str]:
        return list(self._data)

    def scalars(self, name: str) -> dict[str, str | int | float | bool | None]:
        """An object of plain values."""
        found = self.inner(name)._data
        if not all(value is None or isinstance(value, (str, int, float, bool)) for value in found.values()):
            raise self.wrong(f"{name} holds more than plain values")
        return found

    def _get(self, name: str) -> Any:
        if name not in self._data:
            raise self.wrong(f"{name} is missing")
        return self._data[name]

    def _list(self, name: str) -> list[Any]:
        value = self._get(name)
        if not isinstance(value, list):
            raise self.wrong(f"{name} is no list")
        return value

    def _number(self, name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong(f"{name} is no number")
        try:
            found = float(value)
        except OverflowError:
            found = float("inf")
        if not isfinite(found):
            raise self.wrong(f"{name} is no finite number")
        return found
