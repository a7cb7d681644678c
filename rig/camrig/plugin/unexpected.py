"""Exceptions of camrig's own that nobody expected: they block a run, and are never a failing library.

Whose an exception is, its traceback tells: camrig's are raised below one of its hooks or fixtures, or in what a test
called.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from camrig.errors import EXIT_BLOCKED
from camrig.plugin.run import RUN

# Where a test calls camrig, other kinds may be an answer to the test: a lost connection, a wrong argument.
_KINDS = (
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    NameError,
    RuntimeError,
    UnicodeDecodeError,
    Warning,
)
# What code may be; behind pluggy's frames is another hook or fixture.
_CAMRIG, _PLUGGY, _LIBRARY, _TEST = "camrig", "pluggy", "library", "test"


def is_own(error: BaseException) -> bool:
    """Whether nobody but camrig, or this computer, can be blamed for ``error``."""
    if not isinstance(error, Exception) or type(error).__module__.partition(".")[0] == "camrig":
        return False
    from camrig.bug_report import limit_of_computer

    places = [_place_of(file) for file in _files(error)]
    if _PLUGGY in places:
        places = places[len(places) - places[::-1].index(_PLUGGY) :]  # of one hook, or of one fixture
    callers = [place for place in places if place != _LIBRARY]
    if not callers or callers[0] == _CAMRIG:
        return bool(callers)
    is_limit = isinstance(error, _KINDS) or limit_of_computer(error)
    return bool(is_limit) and callers[-1] == _CAMRIG  # else it comes from what a test passed in


class OwnErrors:
    """The hooks that end a run in one line, instead of a page, where camrig is what failed."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self._exit_for(excinfo.value)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Any:
        report = yield  # pytest would report an error of the file that it collects
        call = getattr(report, "call", None)  # None for a file that --lf skips
        if call is not None and call.excinfo is not None:
            self._exit_for(call.excinfo.value)
        return report

    def _exit_for(self, error: BaseException) -> None:
        from camrig.bug_report import limit_of_computer, unexpected

        if is_own(error) or limit_of_computer(error):
            run = self._config.stash.get(RUN, None)  # None where making it has failed
            pytest.exit(str(run.sentence(error) if run else unexpected(error)), EXIT_BLOCKED)


@contextmanager
def ending_pytest() -> Iterator[None]:
    """End pytest in one line where it would show the traceback: before there is a session."""
    try:
        yield
    except Exception as error:
        if isinstance(error, pytest.UsageError):
            raise
        from camrig.bug_report import unexpected

        print(f"camrig: {unexpected(error)}", file=sys.stderr)
        raise SystemExit(EXIT_BLOCKED) from None


def _files(error: BaseException) -> Iterator[str]:
    entry = error.__traceback__
    while entry is not None:
        yield entry.tb_frame.f_code.co_filename
        entry = entry.tb_next


@cache
def _libraries() -> tuple[Path, ...]:
    """The folders of Python's own modules and of installed packages."""
    folders = [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")]
    return (*folders, *(folder.resolve() for folder in folders))


def _place_of(file: str) -> str:
    """What code of ``file`` is: camrig, pluggy, another library or a test."""
    from camrig.bug_report import PACKAGE

    path = Path(file)
    if path.is_relative_to(PACKAGE):
        return _CAMRIG
    if path.parent.name == _PLUGGY:
        return _PLUGGY
    if not path.is_absolute() or any(path.is_relative_to(folder) for folder in _libraries()):
        return _LIBRARY  # <frozen importlib._bootstrap>, <string>
    return _TEST
