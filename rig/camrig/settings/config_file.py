"""Files of settings: found upward from a folder, no further than the root of its repository, and read as TOML."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from camrig.errors import SettingsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CONFIG_FILE = "camrig.toml"


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


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a file, none if it does not exist. Raises SettingsError."""
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}", hint="fix that line") from None
    return tables


def unknown_key(key: str, known: list[str], where: str) -> SettingsError:
    """The error for a ``key`` of the file ``where`` that is not among ``known``."""
    close = difflib.get_close_matches(key, known, n=1)
    suggestion = f"did you mean {close[0]}" if close else "known are " + ", ".join(sorted(known))
    return SettingsError(f"{where} has no setting {key!r}, {suggestion}")
