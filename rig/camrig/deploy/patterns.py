"""The glob patterns of ``include`` and ``exclude``, and which of them have matched.

They are like those of ``.gitignore``: one with a slash is relative to the application's folder, one without matches a
name at every depth, ``**`` is any number of folders, and a folder stands for all that is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import translate
from functools import lru_cache
from pathlib import Path

from camrig.errors import SettingsError

_ANY = "**"


class Patterns:
    """The patterns of one setting. ``unmatched`` are those that have matched no file and no folder yet.

    ``dots``: a wildcard also matches the dot at the beginning of a name.
    """

    def __init__(self, patterns: Iterable[str], dots: bool) -> None:
        self._dots = dots
        self.unmatched = list(dict.fromkeys(patterns))
        self._segments = {pattern: _segments(pattern) for pattern in self.unmatched}

    def match(self, path: str, by_name: bool = False) -> bool:
        """Whether a pattern matches the file or folder ``path`` itself.

        ``by_name``: only one that names the first folder of the path counts.
        """
        parts = path.split("/")
        matching = [
            pattern
            for pattern, segments in self._segments.items()
            if _matches(segments, parts, self._dots) and not (by_name and segments[0] == _ANY)
        ]
        self.unmatched = [pattern for pattern in self.unmatched if pattern not in matching]
        return bool(matching)

    def reach_into(self, folder: str) -> bool:
        """Whether a pattern names ``folder`` as one in which its files lie; ``**`` names none."""
        parts = folder.split("/")
        return any(
            len(segments) > len(parts)
            and segments[0] != _ANY
            and all(_name_matches(*pair, self._dots) for pair in zip(segments, parts, strict=False))
            for segments in self._segments.values()
        )

    def look_below(self, folder: Path) -> None:
        """Match the rest against what lies in ``folder`` and is deployed by no means, to forget what is there."""
        self.unmatched = [
            pattern for pattern in self.unmatched if not _exists_below(folder, "/".join(self._segments[pattern]))
        ]

    def demand_matched(self, setting: str, folder: Path) -> None:
        """Raises SettingsError for a pattern that has matched nothing."""
        if self.unmatched:
            raise SettingsError(
                f"[deploy] {setting}: {self.unmatched[0]!r} matches nothing in {folder}",
                hint="correct it, or remove it: patterns are relative to the application's folder, and exclude wins",
            )


def _segments(pattern: str) -> tuple[str, ...]:
    named = [part for part in pattern.split("/") if part not in ("", ".")]
    parts = tuple(part for part, above in zip(named, ["", *named], strict=False) if not part == above == _ANY)
    anchored = "/" in pattern.rstrip("/")
    return parts if anchored or not parts else (_ANY, *parts)


def _matches(segments: Sequence[str], parts: Sequence[str], dots: bool) -> bool:
    if not segments or not parts:
        return not segments and not parts
    if segments[0] != _ANY:
        return _name_matches(segments[0], parts[0], dots) and _matches(segments[1:], parts[1:], dots)
    for start, name in enumerate(parts):
        if segments[1:] and _matches(segments[1:], parts[start:], dots):
            return True
        if name.startswith(".") and not dots:
            return False
    return not segments[1:]


def _name_matches(segment: str, name: str, dots: bool) -> bool:
    if segment == name:
        return True
    hidden = name.startswith(".") and not segment.startswith(".") and not dots
    return not hidden and _expression(segment).match(name) is not None


@lru_cache(maxsize=256)
def _expression(segment: str) -> re.Pattern[str]:
    return re.compile(translate(segment))


def _exists_below(folder: Path, pattern: str) -> bool:
    try:
        return any(True for _ in folder.glob(pattern))
    except (ValueError, NotImplementedError, OSError):
        return False
