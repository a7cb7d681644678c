"""A folder of results that git ignores by itself, in a repository whose own files nobody had to change."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

NAME, TEXT = ".gitignore", "# Results of camrig: git ignores this folder.\n*\n"


def ignore_itself(folder: Path) -> None:
    """Write ``.gitignore`` into a folder that does not exist yet, and create it. Raises OSError if it cannot be."""
    if folder.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(OSError), (folder / NAME).open("x", encoding="utf-8") as file:
        file.write(TEXT)
