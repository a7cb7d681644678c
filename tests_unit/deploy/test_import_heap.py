"""What each module retains: in which order it is asked, and that the board's answer names it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from camrig.bringup.board import Board
from camrig.deploy.import_heap import import_order
from camrig.settings.resolve import resolve

from tests_unit.conftest import ROOT


@pytest.fixture
def sources(tmp_path):
    """Writes modules and gives them as the sources of a deploy."""

    def write(**modules):
        found = {}
        for name, text in modules.items():
            path = tmp_path / f"{name}.py"
            path.write_text(text)
            found[f"/{name}.py"] = path
        return found

    return write


def test_what_is_used_comes_before_its_user(sources):
    found = sources(
        app="import zeta\nfrom beta import x\nimport os",
        beta="def later():\n    import zeta",
        zeta="import json",
        main="import app",
        boot="",
    )
    assert import_order(found) == ["zeta", "beta", "app"]


def test_the_order_is_the_same_in_every_process(sources, tmp_path):
    sources(app="".join(f"import m{n}\n" for n in range(9)), **{f"m{n}": "" for n in range(9)})
    code = (
        "import pathlib, camrig.deploy.import_heap as it\n"
        f"print(it.import_order({{'/' + p.name: p for p in pathlib.Path({str(tmp_path)!r}).iterdir()}}))"
    )
    orders = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in "1234"
    }
    assert len(orders) == 1


def test_the_library_below_lib_is_no_module_of_the_application(sources, tmp_path):
    found = {**sources(app="import microdot"), "/lib/microdot/cors.py": tmp_path / "app.py"}
    assert import_order(found) == ["app"]


@pytest.mark.parametrize("text", ["import two", "def ("])
def test_where_no_order_can_be_told_names_decide(sources, text):
    assert import_order(sources(two="import one", one=text)) == ["one", "two"]


def board(tmp_path, **modules):
    app = tmp_path / "app"
    app.mkdir()
    for name, text in {"main": "print('serving')", **modules}.items():
        (app / f"{name}.py").write_text(text)
    return Board("sim", resolve({"app": str(app)}, {}, tmp_path))


def test_a_board_tells_what_each_module_retains(tmp_path):
    with board(tmp_path, big="kept = bytearray(50000)", user="import big") as found:
        found.deploy()
        assert list(found.imports)[:3] == ["asyncio", "microdot", "microdot.cors"]
        assert 45000 <= found.imports["big"] < 55000
        assert found.imports["user"] < 10000  # what it imports is not its own; tables of names may grow


def test_a_module_that_cannot_be_imported_is_named_and_the_others_count(tmp_path):
    with board(tmp_path, broken="raise ValueError('no sensor')", sound="kept = bytearray(30000)") as found:
        found.deploy()
        assert found.imports["sound"] >= 25000
        assert "broken" not in found.imports
        assert "broken cannot be imported: ValueError('no sensor'" in found.steps.done[-1].detail


def test_a_module_that_ends_the_interpreter_keeps_nobody_from_deploying(tmp_path):
    with board(tmp_path, broken="raise SystemExit") as found:
        found.deploy()
        assert found.imports == {}
        assert "not measured" in found.steps.done[-1].detail
        assert found.session.ask("print(1)") == 1
        found.deploy(production=True)
        assert found.steps.done[-1].name == "deploy"
