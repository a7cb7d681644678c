"""Files of the gate: JSON with kind and schema version, written whole or not at all; reading checks every field."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from camrig.errors import BaselineError
from camrig.whole_file import read_whole, write_whole

_MAX_VALUES = 2_500_000


def save_json(path: Path, kind: str, schema: int, data: Mapping[str, Any]) -> None:
    """Write ``data`` to ``path``; its folder is created when missing. The same data gives the same bytes.

    Raises BaselineError when it cannot be written.
    """
    content = json_text(kind, schema, data)
    try:
        write_whole(path, content.encode())
    except OSError as error:
        raise BaselineError(f"the {kind} {path} cannot be written: {error.strerror}") from None


def json_text(kind: str, schema: int, data: Mapping[str, Any]) -> str:
    """What ``save_json`` writes."""
    return json.dumps({"kind": kind, "schema": schema, **data}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def load_json(path: Path | zipfile.Path, kind: str, schema: int, hint: str, older: str = "") -> Fields:
    """The fields of a file that ``save_json`` wrote; ``hint`` tells the user how to create one, ``older`` says what
    a file of a lower schema is.

    Raises BaselineError for a file that is missing, damaged or of another kind.
    """
    try:
        data = parse_json(path.read_bytes() if isinstance(path, zipfile.Path) else read_whole(path))
    except FileNotFoundError:
        raise BaselineError(f"there is no {kind} {path}", hint=hint) from None
    except OSError as error:
        raise BaselineError(f"the {kind} {path} cannot be read: {error.strerror}") from None
    except (ValueError, zipfile.BadZipFile, zlib.error):
        raise BaselineError(f"the {kind} {path} is damaged: it is not JSON", hint=hint) from None
    fields = Fields(data, f"the {kind} {path}", hint)
    if fields.text("kind") != kind:
        raise BaselineError(f"{path} is not a {kind}", hint=hint)
    version = fields.integer("schema")
    if version < schema and older:
        raise BaselineError(f"the {kind} {path} {older} (schema {version})", hint=f"remove it, and {hint}")
    if version != schema:
        raise BaselineError(f"the {kind} {path} has schema {version}, but this camrig reads {schema}", hint=hint)
    return fields


def parse_json(content: bytes) -> Any:
    """The value of a JSON file. Raises ValueError, also for names that stand twice, and for more values than memory
    should be spent on.
    """
    if sum(map(content.count, (b"[", b"{", b","))) > _MAX_VALUES:
        raise ValueError("too many values")
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return value


class Fields:
    """A JSON object read field by field. Every method raises BaselineError, naming file and field."""

    def __init__(self, data: Any, source: str, hint: str) -> None:
        self._source, self._hint = source, hint
        if not isinstance(data, dict):
            raise self.damaged("it does not hold an object")
        self._data: dict[str, Any] = data

    def damaged(self, reason: str) -> BaselineError:
        """The error to raise for a field that cannot be right."""
        return BaselineError(f"{self._source} is damaged: {reason}", hint=self._hint)

    def text(self, name: str) -> str:
        value = self._get(name)
        if not isinstance(value, str):
            raise self.damaged(f"{name} is not a text")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._list(name)
        if not all(isinstance(value, str) for value in values):
            raise self.damaged(f"{name} holds more than texts")
        return tuple(values)

    def flag(self, name: str) -> bool:
        value = self._get(name)
        if not isinstance(value, bool):
            raise self.damaged(f"{name} is neither true nor false")
        return value

    def optional_text(self, name: str) -> str | None:
        return None if self._get(name) is None else self.text(name)

    def optional_flag(self, name: str) -> bool | None:
        return None if self._get(name) is None else self.flag(name)

    def integer(self, name: str) -> int:
        return self._integer(name, self._get(name))

    def optional_integer(self, name: str) -> int | None:
        return None if self._get(name) is None else self.integer(name)

    def integers(self, name: str) -> tuple[int, ...]:
        return tuple(self._integer(name, value) for value in self._list(name))

    def number(self, name: str) -> float:
        return self._number(name, self._get(name))

    def optional_number(self, name: str) -> float | None:
        return None if self._get(name) is None else self.number(name)

    def numbers(self, name: str) -> tuple[float, ...]:
        return tuple(self._number(name, value) for value in self._list(name))

    def object(self, name: str) -> Fields:
        return Fields(self._get(name), f"{self._source}, {name}", self._hint)

    def objects(self, name: str) -> list[Fields]:
        return [
            Fields(value, f"{self._source}, {name} {index}", self._hint)
            for index, value in enumerate(self._list(name))
        ]

    def names(self) -> list[str]:
        return list(self._data)

    def scalars(self, name: str) -> dict[str, str | int | float | bool | None]:
        """An object of plain values."""
        values = self.object(name)._data
        if not all(value is None or isinstance(value, (str, int, float, bool)) for value in values.values()):
            raise self.damaged(f"{name} holds more than plain values")
        return values

    def _get(self, name: str) -> Any:
        if name not in self._data:
            raise self.damaged(f"{name} is missing")
        return self._data[name]

    def _list(self, name: str) -> list[Any]:
        value = self._get(name)
        if not isinstance(value, list):
            raise self.damaged(f"{name} is not a list")
        return value

    def _integer(self, name: str, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.damaged(f"{name} is not a whole number")
        return value

    def _number(self, name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.damaged(f"{name} is not a number")
        try:
            number = float(value)
        except OverflowError:
            number = float("inf")
        if not isfinite(number):
            raise self.damaged(f"{name} is not a finite number")
        return number
