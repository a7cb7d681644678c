"""The application's settings: the ``camrig.json`` in its folder, and what is changed of it for one deploy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from camrig.byte_order_mark import HINT, byte_order_mark
from camrig.errors import DeployError
from camrig.whole_file import read_whole

OWN_FILE = "camrig.json"


def own_settings(app: Path) -> dict[str, Any] | None:
    """The settings in the application's own file; None if it has none. Raises DeployError."""
    path = app / OWN_FILE
    if not path.is_file():
        return None
    try:
        data = read_whole(path)
        if mark := byte_order_mark(data):
            raise DeployError(f"{path} {mark}", hint=HINT)
        own = json.loads(data.decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DeployError(f"{path} cannot be read: {error}", hint="fix it, or remove it") from None
    if not isinstance(own, dict):
        raise DeployError(f"{path} is not a JSON object", hint="fix it, or remove it")
    return own


def merged(own: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``own`` with ``changes``; of an object only the fields that are named there change."""
    result = dict(own)
    for name, value in changes.items():
        before = result.get(name)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            value = merged(before, value)
        result[name] = value
    return result
