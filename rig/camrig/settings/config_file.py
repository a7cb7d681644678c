"""Files of settings: found upward from a folder, no further than the root of its repository, and read as TOML."""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from camrig.byte_order_mark import HINT, byte_order_mark
from camrig.errors import SettingsError
from camrig.whole_file import read_whole

CONFIG_FILE = "camrig.toml"
_MAX_BYTES = 1 << 20
_MAX_DEPTH = 20
_MAX_DOTS = 500  # in a line
_MAX_KEY = 60
_TWICE = re.compile(r"Cannot declare (\(.*\)) twice \((.*)\)")  # a parser's message, with the place


def upward(folder: Path) -> Iterator[Path]:
    """``folder`` and the folders above it, up to the root of its repository."""
    start = folder.absolute()
    for parent in (start, *start.parents):
        yield parent
        if os.path.exists(parent / ".git"):
            return


def nearest(name: str, folders: Sequence[Path]) -> Path | None:
    """The file ``name`` that is nearest to the first of ``folders`` that has one above it."""
    candidates = (parent / name for folder in folders for parent in upward(folder))
    return next((path for path in candidates if os.path.isfile(path)), None)


def base_folder(config: Path | None, folders: Sequence[Path]) -> Path:
    """Where results go: beside the config file, else into the root of the repository, else into the last folder."""
    if config is not None:
        return config.parent
    roots = (parent for parent in upward(folders[0]) if os.path.exists(parent / ".git"))
    return next(roots, folders[-1])


def _tomllib() -> Any:
    """The parser, which is read where there is something to parse."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a file, none if it does not exist. Raises SettingsError."""
    try:
        data = read_whole(path, _MAX_BYTES)
        if mark := byte_order_mark(data):
            raise SettingsError(f"{path} {mark}", hint=HINT)
        text = data.decode("utf-8")
        if any(line.count(".") > _MAX_DOTS for line in text.splitlines()):
            raise RecursionError  # each dot may be a table, for which the parser needs the square of the time
        tables: dict[str, Any] = _tomllib().loads(text)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} cannot be read: {error}", hint="save it as UTF-8") from None
    except _tomllib().TOMLDecodeError as error:
        raise _invalid(path, str(error)) from None
    except (ValueError, RecursionError):  # what the parser leaves to Python: figures of 5,000 digits, deep nesting
        raise SettingsError(f"{path} is not valid TOML: a value is too long, or nested too deeply") from None
    if _depth(tables) > _MAX_DEPTH:
        raise SettingsError(f"{path} cannot be used: it has more than {_MAX_DEPTH} tables in each other")
    return tables


def _invalid(path: Path, message: str) -> SettingsError:
    """The error for what the parser says; of a table that is there twice, in the file's own words."""
    if twice := _TWICE.match(message):
        keys = ".".join(re.findall(r"'([^']*)'", twice[1]))
        return SettingsError(f"{path} has the table [{keys}] twice: {twice[2]}", hint="rename one, or make them one")
    return SettingsError(f"{path} is not valid TOML: {message}", hint="fix that line")


def _depth(table: Any) -> int:
    """How many tables and lists lie in each other, as far as it matters."""
    depth, level = 0, [table]
    while level and depth <= _MAX_DEPTH:
        inside = [entry.values() if isinstance(entry, dict) else entry for entry in level]
        level = [value for values in inside for value in values if isinstance(value, (dict, list))]
        depth += 1
    return depth


def unknown_key(key: str, known: list[str], where: str) -> SettingsError:
    """The error for a ``key`` of the file ``where`` that is not among ``known``."""
    key = key if len(key) <= _MAX_KEY else key[:_MAX_KEY] + "…"
    close = difflib.get_close_matches(key, known, n=1)
    suggestion = f"did you mean {close[0]}" if close else "known are " + ", ".join(sorted(known))
    return SettingsError(f"{where} has no setting {key!r}, {suggestion}")
