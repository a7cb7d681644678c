"""What ``from camrig import ...`` offers."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import camrig
import pytest
from camrig import errors

PACKAGE = Path(camrig.__file__).parent
CODES = [name for name in camrig.__all__ if name.startswith("EXIT_")]


@pytest.mark.parametrize("name", sorted(set(camrig.__all__) - set(CODES)))
def test_a_public_name_has_a_docstring_of_its_own(name):
    value = getattr(camrig, name)
    assert value.__doc__
    if isinstance(value, type) and issubclass(value, tuple):
        assert not value.__doc__.startswith(f"{name}(")  # what a NamedTuple without one gets
    assert value is getattr(import_module(value.__module__), value.__name__)


def test_the_exit_codes_are_all_those_of_the_errors():
    codes = {name: value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert {name: getattr(camrig, name) for name in CODES} == codes


def test_a_star_import_and_dir_name_all_of_them():
    names: dict[str, object] = {}
    exec("from camrig import *", names)
    assert set(camrig.__all__) <= set(names)
    assert set(camrig.__all__) <= set(dir(camrig))


def test_an_unknown_name_is_an_ordinary_attribute_error():
    with pytest.raises(AttributeError, match="module 'camrig' has no attribute 'Bord'"):
        _ = camrig.Bord
    with pytest.raises(ImportError, match="Bord"):
        exec("from camrig import Bord")


def test_the_package_imports_nothing_before_a_name_is_used():
    code = "import sys, camrig; print(*[name for name in sys.modules if name.startswith('camrig.')])"
    command = [sys.executable, "-S", "-c", code]
    ended = subprocess.run(command, cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == []
