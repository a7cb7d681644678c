"""What belongs on a board according to the settings."""

from __future__ import annotations

import os
from pathlib import Path

from camrig.deploy.contents import Contents, read_contents
from camrig.deploy.rules import DeployRules
from camrig.settings.config_file import upward
from camrig.settings.resolve import Settings, cargo


def contents_for(settings: Settings, library: Path | None = None, *, agent: bool = True) -> Contents:
    """The files of ``library``, the settings' own by default, of the application and, with ``agent``, of the agent.

    Raises SettingsError and DeployError for what cannot be deployed.
    """
    rules = DeployRules(
        include=settings.deploy.include,
        exclude=settings.deploy.exclude,
        mount=settings.deploy.mount,
        trees=_trees(settings),
        results=(settings.results, settings.baselines),
    )
    folder = library or settings.lib
    return read_contents(folder, settings.app, settings.agent if agent else None, rules, folder != cargo() / "lib")


def _trees(settings: Settings) -> tuple[Path, ...]:
    """Where links of the application may lead: the repository, and the folder of the config file."""
    config = [settings.config.parent] if settings.config is not None else []
    above = (parent for folder in (settings.app, *config) for parent in upward(folder))
    repositories = [parent for parent in above if os.path.exists(parent / ".git")]
    return tuple(config + repositories) or (Path.cwd(),)
