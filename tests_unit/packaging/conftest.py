"""A wheel of this checkout, and Python environments that know the checkout's dependencies but not the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 100


def run(command: Sequence[str | Path], cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command without the settings of whoever runs the tests; its output and errors are one text."""
    own = ("CAMRIG_", "ESP", "MICROPY_", "PIP_", "PYTEST_", "PYTHON")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=environment | {"PYTHONDONTWRITEBYTECODE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"} | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def pip(python: str | Path, *arguments: str | Path) -> None:
    """Run pip, which reaches for no index."""
    ended = run([python, "-m", "pip", *arguments, "--no-deps", "--no-index", "--quiet"], ROOT)
    assert ended.returncode == 0, ended.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    pip(sys.executable, "wheel", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (path,) = folder.glob("camrig-*.whl")
    return path


class Environment:
    """A Python environment below ``folder`` with all that is installed here, except camrig itself."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, symlinks=True)
        self.python = folder / "bin" / "python"
        dependencies = folder / "dependencies"
        dependencies.mkdir()
        for name in ("purelib", "platlib"):
            for path in Path(sysconfig.get_path(name)).iterdir():
                own = path.name.lstrip("_").startswith(("camrig", "editable", "pycache"))
                if not own and path.suffix != ".pth" and not (dependencies / path.name).exists():
                    (dependencies / path.name).symlink_to(path)
        (packages,) = folder.glob("lib/python*/site-packages")
        (packages / "dependencies.pth").write_text(f"{dependencies}\n")
        script = folder / "bin" / "pytest"
        script.write_text(f"#!{self.python}\nfrom pytest import console_main\nraise SystemExit(console_main())\n")
        script.chmod(0o755)
        self.pytest = script


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment into which the wheel is installed."""
    environment = Environment(tmp_path_factory.mktemp("installed") / "environment")
    pip(environment.python, "install", wheel)
    return environment


@pytest.fixture(scope="session")
def target(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Environment, Path]:
    """An environment without camrig, and a folder that ``pip install --target`` has filled."""
    folder = tmp_path_factory.mktemp("target")
    environment = Environment(folder / "environment")
    pip(environment.python, "install", "--target", folder / "packages", wheel)
    return environment, folder / "packages"
