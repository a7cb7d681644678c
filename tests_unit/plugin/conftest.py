"""An application that can be brought down, and pytest runs against it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests_unit.conftest import ROOT, Ended
from tests_unit.plugin.crash_suites import CRASHES


@pytest.fixture
def app(tmp_path: Path) -> str:
    """The application with routes that bring it down."""
    folder = tmp_path / "app"
    shutil.copytree(ROOT / "device", folder)
    main = (folder / "main.py").read_text()
    main = main.replace("\n\nasync def announce", CRASHES + "\n\nasync def announce", 1)
    main = main.replace("    gc.collect()\n", "    crashes(app)\n    gc.collect()\n", 1)
    (folder / "main.py").write_text(main)
    return str(folder)


@pytest.fixture
def crash(run: Callable[..., Ended], tmp_path: Path, app: str) -> Callable[..., Ended]:
    """Runs tests, given as source, against a virtual board with that application."""

    def call(source: str, *options: str, env: dict[str, str] | None = None) -> Ended:
        suite = tmp_path / "test_suite.py"
        suite.write_text(source)
        common = ("-p", "no:cacheprovider", "--hil-results", str(tmp_path / "results"), "--hil-app", app)
        ended = run("pytest", str(suite), *common, *options, env=env)
        assert ended.left_running() == []
        assert "INTERNALERROR" not in ended.out
        return ended

    return call
