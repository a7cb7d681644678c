"""``camrig watch``: what is watched, and cycle after cycle until Ctrl-C."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from camrig.errors import SettingsError
from camrig.lab.kept_boards import kept_for
from camrig.settings.resolve import Settings
from camrig.watch.cycle import NOTHING_COLLECTED, SUCCESS, USAGE, Cycle, line, names, run_cycle
from camrig.watch.files import SOURCES, Place, SavedFiles

VALUED = ("-k", "-m", "-p", "-o", "-c", "-W", "-n")  # of pytest's options: no test path follows


def watch(arguments: Sequence[str], words: Sequence[str], settings: Settings) -> None:
    """Run pytest with ``arguments``, and again after each save, until Ctrl-C, which is raised.

    ``words`` are those of the arguments that are not options of camrig: tests, and options of pytest. A virtual board
    is kept meanwhile. Raises SettingsError where there is nothing to watch or to run, and what keeps a virtual board
    from starting.
    """
    with _ended_by_signals(), kept_for(settings):
        files = SavedFiles(places(words, settings), (settings.results, settings.baselines))
        if not len(files):
            raise SettingsError("there are no files to watch", hint="name the folder of the tests")
        cycle = _cycle((), arguments)
        if cycle.exit_code in (USAGE, NOTHING_COLLECTED):
            reason = "pytest cannot run the tests" if cycle.exit_code == USAGE else "there are no tests to run"
            raise SettingsError(reason, hint="name their folder, as in camrig watch tests", details=cycle.output)
        _show((), cycle)
        print(f"watching {len(files)} files; Ctrl-C ends it", flush=True)
        while True:
            saved = files.wait()
            _show(saved, _cycle(saved, arguments))


def _cycle(saved: Sequence[str], arguments: Sequence[str]) -> Cycle:
    terminal = sys.stdout.isatty()
    if terminal:
        print(f"          {names(saved)} …", end="\r", flush=True)
    cycle = run_cycle(arguments, colour=terminal)
    if terminal:
        print("\x1b[K", end="", flush=True)
    return cycle


def _show(saved: Sequence[str], cycle: Cycle) -> None:
    """The line, below all that pytest printed unless everything passed."""
    if cycle.exit_code != SUCCESS:
        print(cycle.output.rstrip())
    print(line(saved, cycle), flush=True)


def places(words: Sequence[str], settings: Settings) -> list[Place]:
    """Where library, application, what it mounts, tests and settings are."""
    names = [word for before, word in zip(("", *words), words, strict=False) if before not in VALUED]
    tests = [path for name in names if not name.startswith("-") and (path := _path(name)) is not None]
    folders = [settings.lib, settings.app, *settings.deploy.mount.values()]
    config = [settings.config] if settings.config is not None else []
    sources = [Place(path, SOURCES) for path in (tests or [Path.cwd()])]
    return [*(Place(path) for path in (*folders, *config)), *sources]


def _path(word: str) -> Path | None:
    """The file or folder of tests that ``word`` names, None if it is something else."""
    try:
        path = Path(word.partition("::")[0])
        return path if path.exists() else None
    except (OSError, ValueError):
        return None


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """A context in which a request to end, or a closed terminal, counts as Ctrl-C."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    handlers = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
