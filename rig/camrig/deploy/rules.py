"""What the user says of a deploy, beyond the names of the folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class DeployRules:
    """``include`` and ``exclude`` are patterns, see ``patterns``; ``mount`` has a path on the board for each source.

    Links of the application may lead into ``trees``, None for anywhere. ``results`` are folders that the rig writes.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    mount: Mapping[str, Path] = field(default_factory=dict)
    trees: tuple[Path, ...] | None = None
    results: tuple[Path, ...] = ()
