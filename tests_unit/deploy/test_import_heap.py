"""How much heap each module retains: the order of the imports, and the figures from the board."""

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
    """Writes modules and returns them as the sources of a deploy."""

    def write(**modules):
        paths = {}
        for name, text in modules.items():
            path = tmp_path / f"{name}.py"
            path.write_text(text)
            paths[f"/{name}.py"] = path
        return paths

    return write


def test_a_module_comes_after_the_modules_that_it_imports(sources):
    modules = sources(
        app="import zeta\nfrom beta import x\nimport os",
        beta="def later():\n    import zeta",
        zeta="import json",
        main="import app",
        boot="",
    )
    assert import_order(modules) == ["zeta", "beta", "app"]


def test_what_main_and_boot_do_not_reach_is_not_imported(sources, tmp_path):
    modules = sources(
        main="import app\nfrom pkg import deep", app="", boot="def f():\n    import early", early="",
        script="import helper", helper="", inner="", of_bytecode="",
    )  # fmt: skip
    (tmp_path / "deep.py").write_text("import inner")
    (tmp_path / "b.mpy").write_bytes(b"M\x06\x00\x1fof_bytecode\0")
    modules |= {"/pkg/deep.py": tmp_path / "deep.py", "/b.mpy": tmp_path / "b.mpy", "/a.html": tmp_path / "a.html"}
    (tmp_path / "app.py").write_text("import b")
    assert import_order(modules) == ["b", "early", "inner", "app"]


def test_the_order_is_the_same_in_every_process(sources, tmp_path):
    sources(main="import app", app="".join(f"import m{n}\n" for n in range(9)), **{f"m{n}": "" for n in range(9)})
    code = (
        "import pathlib, camrig.deploy.import_heap as it\n"
        f"print(it.import_order({{'/' + p.name: p for p in pathlib.Path({str(tmp_path)!r}).glob('*.py')}}))"
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


def test_the_library_below_lib_is_not_in_the_order(sources, tmp_path):
    modules = {**sources(main="import app", app="import microdot"), "/lib/microdot/cors.py": tmp_path / "app.py"}
    assert import_order(modules) == ["app"]


@pytest.mark.parametrize("text", ["import two", "def ("])
def test_without_an_order_of_imports_names_decide(sources, text):
    assert import_order(sources(main="import two", two="import one", one=text)) == ["one", "two"]


def board(tmp_path, settings=None, **modules):
    app = tmp_path / "app"
    app.mkdir()
    main = (
        "".join(f"def _{name}():\n    import {name}\n" for name in modules)
        + "from microdot.cors import CORS\nprint('serving')"
    )
    for name, text in {"main": main, **modules}.items():
        (app / f"{name}.py").write_text(text)
    return Board("sim", resolve({"app": str(app), **(settings or {})}, {}, tmp_path))


def test_a_deploy_measures_what_each_module_retains(tmp_path):
    with board(tmp_path, big="kept = bytearray(50000)", user="import big") as opened:
        opened.deploy()
        assert list(opened.imports)[:3] == ["asyncio", "microdot", "microdot.cors"]
        assert 45000 <= opened.imports["big"] < 55000
        assert opened.imports["user"] < 10000  # without what it imports; tables of names may grow


def test_a_deploy_measures_what_each_import_allocates_and_frees(tmp_path):
    with board(tmp_path, big="table = bytearray(50000)\ndel table", small="") as opened:
        opened.deploy()
        allocations = opened.deployment.import_allocations
        assert list(allocations) == list(opened.imports)
        assert opened.imports["big"] < 5000
        assert 50000 <= allocations["big"] < 55000
        assert allocations["small"] < 5000


def test_on_a_small_heap_the_collector_stays_on_during_imports(tmp_path):
    with board(tmp_path, {"sim_heap": "200K"}, big="table = bytearray(50000)\ndel table") as opened:
        opened.deploy()
        assert opened.imports
        assert opened.deployment.import_allocations == {}


def test_a_module_that_cannot_be_imported_is_named(tmp_path):
    with board(tmp_path, broken="raise ValueError('no sensor')", sound="kept = bytearray(30000)") as opened:
        opened.deploy()
        assert opened.imports["sound"] >= 25000
        assert "broken" not in opened.imports
        assert "broken cannot be imported: ValueError('no sensor'" in opened.steps.done[-1].detail


def test_a_module_that_ends_the_interpreter_does_not_stop_a_deploy(tmp_path):
    with board(tmp_path, broken="raise SystemExit") as opened:
        opened.deploy()
        assert opened.imports == {}
        assert "not measured" in opened.steps.done[-1].detail
        assert opened.session.ask("print(1)") == 1
        opened.deploy(production=True)
        assert opened.steps.done[-1].name == "library"
