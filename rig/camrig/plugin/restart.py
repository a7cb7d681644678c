"""Starting pytest again where it has mistaken the value of an option for a test path (see ``settings.argv``).

The first pytest ends without running anything, and returns what the second one returns. Values of ``--device`` and
``--firmware``, which may be another's options, are put back once every plugin and conftest has added its own.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from camrig.plugin.options import names
from camrig.settings.argv import Separated, mistaken, separate

ADDOPTS = "PYTEST_ADDOPTS"


class Restart:
    """The plugin of a second pytest: it knows what was taken out of the command line."""

    def __init__(self, postponed: list[str], program: str | None) -> None:
        self.postponed = postponed
        self._program = program

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        if self._program:  # messages about usage name the command that was typed
            parser.optparser.prog = self._program


class Restarting:
    """The plugin of a first pytest, whose run is the second one's."""

    def __init__(self, config: pytest.Config, program: str | None, command: Separated, addopts: Separated) -> None:
        self._invocation = config.invocation_params
        self._command, self._addopts = command, addopts
        self._restart = Restart(addopts.postponed + command.postponed, program)

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self) -> int:
        plugins = [*(self._invocation.plugins or ()), self._restart]
        with _variable(ADDOPTS, shlex.join(self._addopts.kept)):
            return int(pytest.main(self._command.kept, plugins))


def restart_if_mistaken(config: pytest.Config, parser: pytest.Parser, arguments: list[str]) -> bool:
    """Whether pytest is started again; it then loads no conftest and parses no ``arguments`` now."""
    invocation, foreign = config.invocation_params, names(parser)
    from_environment = shlex.split(os.environ.get(ADDOPTS, ""))
    if not any(mistaken(words, invocation.dir, foreign) for words in (from_environment, invocation.args)):
        return False
    program = getattr(getattr(parser, "optparser", None), "prog", None)
    command, addopts = separate(invocation.args, foreign), separate(from_environment, foreign)
    config.pluginmanager.register(Restarting(config, program, command, addopts), "camrig-restarting")
    config.known_args_namespace.noconftest = True
    arguments.clear()
    return True


def put_back(config: pytest.Config, arguments: list[str]) -> None:
    """Put what was taken out of the command line in front of its ``arguments``."""
    for plugin in config.pluginmanager.get_plugins():
        if isinstance(plugin, Restart):
            arguments[:0] = words = plugin.postponed
            # xdist starts its processes with the words that pytest was started with: none may be mistaken.
            joined = [f"{flag}={value}" for flag, value in zip(words[::2], words[1::2], strict=True)]
            invocation = config.invocation_params
            config.invocation_params = replace(invocation, args=(*joined, *invocation.args))


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    """An environment variable has another value for a while, unless it is not set."""
    before = os.environ.get(name)
    if before is not None:
        os.environ[name] = value
    try:
        yield
    finally:
        if before is not None:
            os.environ[name] = before
