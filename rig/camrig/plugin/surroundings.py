"""What a run of pytest was asked for, for its results: its command line and the selection of tests."""

from __future__ import annotations

import os
import shlex
from typing import Any

import pytest

from camrig.bringup.surroundings import without_secrets
from camrig.plugin.run import GATE, Run
from camrig.release_stage import is_stage


def arguments(config: pytest.Config) -> list[str]:
    """The words of the command line behind ``pytest``, with those of PYTEST_ADDOPTS before them."""
    words = [*shlex.split(os.environ.get("PYTEST_ADDOPTS", "")), *map(str, config.invocation_params.args)]
    return without_secrets(words)


def selection(run: Run, session: pytest.Session) -> dict[str, Any]:
    """Which tests of the suite ran: ``scoped`` if some were left out by words of the command line."""
    config = session.config
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    deselected = len(reporter.stats.get("deselected", ())) if reporter else 0
    keyword, markers = str(config.option.keyword or ""), str(config.option.markexpr or "")
    limits = sum(item.nodeid.partition("::")[0] == GATE for item in getattr(session, "items", ()))
    own = session.testscollected - limits
    # What a hook dropped without a word, which some do to share a suite among computers: no release may.
    dropped = max(0, run.outcomes.collected - deselected - own) if is_stage() else 0
    return {
        "scoped": bool(keyword or markers or deselected or names_a_part(config)),
        "keyword": keyword,
        "markers": markers,
        "paths": [str(path) for path in config.args] if _by_command_line(config) else [],
        "collected": own + deselected,
        "deselected": deselected,
        "not_run": run.not_run + dropped,
        "stopped": str(session.shouldfail or session.shouldstop or ""),
    }


def names_a_part(config: pytest.Config) -> bool:
    """Whether the command line names files or tests, or only some of the folders that the suite is in."""
    if not _by_command_line(config):
        return False
    folder = config.invocation_params.dir
    named = [(folder / str(word).partition("::")[0]).resolve() for word in config.args]
    if any("::" in str(word) for word in config.args):
        return True
    suites = [(config.rootpath / path).resolve() for path in config.getini("testpaths")]
    if not suites:
        return any(path.is_file() for path in named)
    return not all(any(suite == path or path in suite.parents for path in named) for suite in suites)


def _by_command_line(config: pytest.Config) -> bool:
    return config.args_source is pytest.Config.ArgsSource.ARGS
