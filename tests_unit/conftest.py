"""What the unit tests share."""

from __future__ import annotations

import atexit
import compileall
import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from camrig import redaction
from camrig.cli.main import main
from camrig.virtual.board import VirtualBoard, VirtualConfig
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# Whoever runs the tests in the background ignores Ctrl-C, and so would every command under test.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What is compiled here stays out of the user's own cache. Workers of xdist share the controller's folder.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="camrig-tests-cache-")
    atexit.register(shutil.rmtree, os.environ["XDG_CACHE_HOME"], ignore_errors=True)
    # Hundreds of commands and virtual boards would compile the rig again, and each worker the tests.
    compileall.compile_dir(ROOT / "rig", quiet=1)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
else:
    # Commands under test keep no bytecode: it would outlive a test file that is replaced within the same second.
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

# Thousands of tests are collected in each worker, and none of them is ever garbage: see pytest_collection_finish.
gc.disable()

# Runs under test are not those of the job that tests them.
os.environ.pop("GITHUB_STEP_SUMMARY", None)

# A busy machine makes no property false, and a change is to blame for what fails in its tests: the examples are the
# same each time. To search for others: pytest --hypothesis-profile=search
settings.register_profile("camrig", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=3000)
settings.load_profile("camrig")


# Fixtures of tests that start a command or a board.
SLOW = {"board", "command", "deployed", "environment", "faulty", "outcomes", "power_on", "virtual", "wheel"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each worker begins with its share of the slow tests, and takes quick ones from others at the end of a run."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    parts: tuple[list[pytest.Item], list[pytest.Item]] = ([], [])
    for item in items:
        parts[SLOW.isdisjoint(getattr(item, "fixturenames", ()))].append(item)
    items[:] = [
        item
        for worker in range(workers)
        for part in parts
        for item in part[len(part) * worker // workers : len(part) * (worker + 1) // workers]
    ]


def pytest_collection_finish() -> None:
    gc.enable()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _own_locks(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Locks and kept boards of whoever runs the tests are out of reach."""
    os.environ["XDG_RUNTIME_DIR"] = str(tmp_path_factory.mktemp("runtime"))
    os.environ["CAMRIG_AIR"] = os.environ["XDG_RUNTIME_DIR"] + "/air"  # nor do tests wait for each other


class Ended:
    """A command that has ended: its code, what it printed, and whether anything it started still runs."""

    def __init__(self, code: int, out: str, mark: str) -> None:
        self.code, self.out, self.mark = code, out, mark

    def left_running(self) -> list[str]:
        return [name for pid, name in marked(self.mark)]


def marked(mark: str) -> list[tuple[int, str]]:
    """Processes whose environment bears ``mark`` (Linux; elsewhere none can be found)."""
    processes = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (
                mark.encode() in (folder / "environ").read_bytes()
                and "State:\tZ" not in (folder / "status").read_text()
            ):
                processes.append((int(folder.name), (folder / "cmdline").read_text().replace("\0", " ")))
        except OSError:
            continue
    return processes


@pytest.fixture(autouse=True)
def _own_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test hides as a secret is a usual word in the next."""
    monkeypatch.setattr(redaction, "_secrets", set())


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment for a command under test: without settings of whoever runs the tests, and marked."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CAMRIG_", "ESP", "MICROPY_", "PYTEST_"))}
    clean["CAMRIG_TEST_MARK"] = uuid.uuid4().hex
    clean["PYTEST_ADDOPTS"] = "-p no:hypothesispytest"  # half the time in which a pytest starts
    clean["CAMRIG_AIR"] = os.environ["XDG_RUNTIME_DIR"] + "/air"
    clean["CAMRIG_BOOT_TIMEOUT"] = "16"  # no board is here that takes longer, and many do not boot at all
    return clean


@pytest.fixture
def run(environment: dict[str, str]) -> Callable[..., Ended]:
    """Runs ``python -m ARGUMENTS`` in the repository with a time limit, and gathers all it prints.

    ``when=(words, act)`` calls ``act(process)`` as soon as a line with ``words`` is printed.
    """

    def call(
        *arguments: str,
        env: dict[str, str] | None = None,
        cwd: Path = ROOT,
        seconds: float = 240,
        when: tuple[str, Callable[[subprocess.Popen[str]], None]] | None = None,
    ) -> Ended:
        lines = []
        with subprocess.Popen(
            [sys.executable, "-u", "-m", *arguments],
            cwd=cwd,
            env={**environment, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            limit = threading.Timer(seconds, process.kill)
            limit.start()
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                if when is not None and when[0] in line:
                    when[1](process)
                    when = None
            process.wait()
            limit.cancel()
        return Ended(process.returncode, "".join(lines), environment["CAMRIG_TEST_MARK"])

    return call


@pytest.fixture
def command(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Runs ``camrig ARGUMENTS`` as ``run`` does, in this process: without what it takes to start one."""

    def call(*arguments: str, env: dict[str, str] | None = None, cwd: Path = ROOT) -> Ended:
        with monkeypatch.context() as patch:
            for name in os.environ.keys() - environment.keys():
                patch.delenv(name)
            for name, value in {**environment, **(env or {})}.items():
                patch.setenv(name, value)
            patch.chdir(cwd)
            capfd.readouterr()
            try:
                code = main(list(arguments))
            except SystemExit as end:
                code = int(end.code or 0)
        return Ended(code, "".join(capfd.readouterr()), environment["CAMRIG_TEST_MARK"])

    return call


@pytest.fixture
def hil(run: Callable[..., Ended], tmp_path: Path) -> Callable[..., Ended]:
    """Runs one short file of the suite with the given options."""

    def call(*options: str, env: dict[str, str] | None = None, **keywords: Any) -> Ended:
        suite = "tests_hil/test_policy_at_run_time.py"
        return run(
            "pytest", suite, "-p", "no:cacheprovider", "--hil-results", str(tmp_path), *options, env=env, **keywords
        )

    return call


@pytest.fixture
def faulty() -> Iterator[Callable[..., VirtualBoard]]:
    """Starts virtual boards that misbehave: ``faulty("garble@0.01", "wifi-slow@2", heap=131072)``."""
    with ExitStack() as boards:

        def start(*faults: str, **settings: Any) -> VirtualBoard:
            return boards.enter_context(VirtualBoard.start(VirtualConfig(faults=faults, **settings)))

        yield start
