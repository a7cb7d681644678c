"""Makes the environment that labgrid has for itself: a fixed version, installed by pip as pip is configured."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from camrig.errors import LabError
from camrig.lab import lock
from camrig.lab.labgrid.environment import READY, own_folder, own_programs
from camrig.redaction import child_environment

CONSTRAINTS = Path(__file__).parent / "constraints.txt"
SECONDS_TO_INSTALL = 900.0  # over a slow network, where packages may have to be built
SECONDS_TO_WAIT = 900.0  # for another setup
MODULES = "import labgrid.remote.client, labgrid.remote.exporter"


def requirement() -> str:
    """The version of labgrid that is installed, as pip reads it."""
    match = re.search(r"^labgrid==\S+", CONSTRAINTS.read_text(), re.MULTILINE)
    assert match is not None
    return match[0]


def set_up(notify: Callable[[str], None]) -> Path:
    """Make the environment, unless it is there as it should be; its folder. Raises LabError, and leaves none then."""
    folder = own_folder()
    taken = lock.take("labgrid-setup", str(folder), SECONDS_TO_WAIT, notify)
    try:
        if not _is_ready(folder):
            notify(f"installing {requirement()} into {folder}; that takes about half a minute")
            try:
                _make(folder)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
    finally:
        taken.release()
    return folder


def _is_ready(folder: Path) -> bool:
    try:
        return (folder / READY).read_text() == _state() and own_programs(folder).is_dir()
    except OSError:
        return False


def _state() -> str:
    """What the environment is made of."""
    return hashlib.sha256(CONSTRAINTS.read_bytes() + sys.version.encode()).hexdigest()


def _make(folder: Path) -> None:
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LabError(f"{folder} cannot be written ({error.strerror})", hint="set XDG_DATA_HOME") from None
    _run("make the environment", [sys.executable, "-m", "venv", str(folder)], "install Python's venv and ensurepip")
    python = str(own_programs(folder) / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check"]
    install = [*pip, "install", "--quiet", "--constraint", str(CONSTRAINTS), requirement()]
    _run(f"install {requirement()}", install, "check the network, and pip's configuration: pip config list")
    _run("check what was installed", [*pip, "check"], "look at pip's configuration: pip config list")
    _run("import labgrid", [python, "-c", MODULES], "run it again; if that fails, report it")
    (folder / READY).write_text(_state())


def _run(purpose: str, command: Sequence[str], hint: str) -> None:
    environment = {k: v for k, v in child_environment().items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    try:
        process = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS_TO_INSTALL,
        )
    except subprocess.TimeoutExpired:
        raise LabError(f"could not {purpose} within {SECONDS_TO_INSTALL:g} s", hint=hint) from None
    except OSError as error:
        raise LabError(f"could not {purpose} ({error.strerror})", hint=hint) from None
    if process.returncode:
        raise LabError(f"could not {purpose}: {last_error(process.stderr + process.stdout)}", hint=hint)


def last_error(output: str) -> str:
    """The line of pip's output that says why it failed."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return ([*lines[-1:], *errors] or ["it printed nothing"])[-1].rstrip(".")
