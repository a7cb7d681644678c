"""Every error can be worded again, and names its board once."""

from __future__ import annotations

import importlib
import pkgutil

import camrig
import pytest
from camrig.errors import CamrigError


def classes(base: type[CamrigError]) -> list[type[CamrigError]]:
    return [base, *(error for child in base.__subclasses__() for error in classes(child))]


for module in pkgutil.walk_packages(camrig.__path__, "camrig."):
    if "_side" not in module.name and not module.name.endswith("__main__"):
        importlib.import_module(module.name)


@pytest.mark.parametrize("error", sorted(set(classes(CamrigError)), key=lambda error: error.__name__))
def test_an_amended_error_keeps_its_class_its_board_and_its_hint(error):
    first = error("what happened", board="sim", hint="do this", details="a line")
    amended = first.amended(what="what else happened", board="another")
    assert type(amended) is error
    assert (amended.what, amended.board, amended.hint) == ("what else happened", "sim", "do this")
    assert amended.details == "a line"
    assert str(first.on("another")).split("\n")[0] == "sim: what happened. Do this."
    assert str(error("what happened").on("sim")) == "sim: what happened."
