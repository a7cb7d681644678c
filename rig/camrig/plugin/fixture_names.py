"""Which fixtures camrig provides under their public names, where another plugin has a fixture of the same name.

A conftest's own fixture always wins, as pytest has it. Between plugins pytest lets the one win that was loaded last,
which is chance. camrig leaves such a name to the other plugin, unless the repository says that it uses camrig: by an
option, a variable ``CAMRIG_…``, a ``camrig.toml``, or in a module by a test that asks for a fixture which only camrig
has.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Iterator
from types import ModuleType

import pytest

from camrig.plugin import fixtures
from camrig.plugin.run import BOARD_RUN_FIXTURE, DEVICE_FIXTURE, DUT_FIXTURE, MEASURE_FIXTURE, Run
from camrig.settings.config_file import CONFIG_FILE, nearest
from camrig.settings.options import OPTIONS

PUBLIC = ("board", "dut", "http", "preflight", "tabs", "measure", "note")
VARIABLES = [name for option in OPTIONS for name in option.env if name.startswith("CAMRIG_")]
PRIVATE = (DEVICE_FIXTURE, BOARD_RUN_FIXTURE, "_camrig_board", DUT_FIXTURE, MEASURE_FIXTURE)


class FixtureNames:
    """Registers the fixtures, once every other plugin is there."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._contested: set[str] = set()
        self._modules: set[str] = set()  # node ids of those looked at

    @pytest.hookimpl(
        tryfirst=True
    )  # pytest reads the plugins' fixtures in its own, and those of conftests after them
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        config = session.config
        if not self._repository_uses_camrig(config):
            self._contested = {name for name in PUBLIC if _other_owner(config, name)}
        if any(self._only_camrigs(conftest) for conftest in _conftests(config)):
            self._contested = set()
        names = [*PRIVATE, *(name for name in PUBLIC if name not in self._contested)]
        config.pluginmanager.register(_holder(names), "camrig-fixtures")

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(self, collector: pytest.Collector) -> None:
        module = collector.getparent(pytest.Module)
        if not self._contested or module is None or module.nodeid in self._modules:
            return
        self._modules.add(module.nodeid)
        if self._only_camrigs(module.obj):
            _add_fixtures(module, _holder(self._contested))

    def _only_camrigs(self, module: ModuleType) -> bool:
        """Whether a module asks for a fixture that only camrig has."""
        return not (set(PUBLIC) - self._contested).isdisjoint(_requested(module))

    def _repository_uses_camrig(self, config: pytest.Config) -> bool:
        if self._run.in_use or any(os.environ.get(name) for name in VARIABLES):
            return True
        return nearest(CONFIG_FILE, (config.invocation_params.dir, config.rootpath)) is not None


def _holder(names: Iterable[str]) -> ModuleType:
    """A module that holds these fixtures alone: pytest takes every fixture that a plugin has."""
    holder = ModuleType("camrig_fixtures")
    vars(holder).update({name: getattr(fixtures, name) for name in names})
    return holder


def _add_fixtures(module: pytest.Module, holder: ModuleType) -> None:
    """Make the fixtures of ``holder`` visible in ``module``, where they win over those of plugins."""
    manager = module.session._fixturemanager
    if "holder" in inspect.signature(manager.parsefactories).parameters:
        manager.parsefactories(holder=holder, node=module)
    else:  # pytest 8 and 9.0
        manager.parsefactories(holder, module.nodeid)


def _other_owner(config: pytest.Config, name: str) -> bool:
    """Whether a plugin other than a conftest has a fixture ``name``."""
    conftests = _conftests(config)
    plugins = (plugin for plugin in config.pluginmanager.get_plugins() if isinstance(plugin, ModuleType))
    return any(_is_fixture(vars(plugin).get(name)) for plugin in plugins if plugin not in conftests)


def _conftests(config: pytest.Config) -> list[ModuleType]:
    plugins = [plugin for plugin in config.pluginmanager.get_plugins() if isinstance(plugin, ModuleType)]
    return [plugin for plugin in plugins if (plugin.__file__ or "").endswith("conftest.py")]


def _is_fixture(value: object) -> bool:
    # The class is pytest's from 8.4 on, the attribute before.
    return type(value).__name__ == "FixtureFunctionDefinition" or hasattr(value, "_pytestfixturefunction")


def _requested(holder: ModuleType | type) -> Iterator[str]:
    """The names of all fixtures that the functions, fixtures and classes of a module or class ask for."""
    yield from _used_by_marks(holder)
    for value in list(vars(holder).values()):
        if inspect.isclass(value) and value.__module__ == getattr(holder, "__module__", holder.__name__):
            yield from _requested(value)
        wrapped = getattr(value, "_get_wrapped_function", None)
        function = wrapped() if wrapped and _is_fixture(value) else value
        if inspect.isfunction(function):
            yield from _used_by_marks(function)
            yield from inspect.signature(function).parameters


def _used_by_marks(holder: object) -> Iterator[str]:
    marks = getattr(holder, "pytestmark", [])
    for mark in marks if isinstance(marks, list) else [marks]:
        if mark.name == "usefixtures":
            yield from mark.args
