"""Which modules sources import, in every form in which they can."""

from __future__ import annotations

from pathlib import Path

import pytest
from camrig.board.identity import MpyVersion
from camrig.deploy.compile import compile_mpy
from camrig.deploy.imports import Import, imported_by, imports_of, module_name, modules_by_name, reach

FORMS = ["import pkg.part", "import pkg.part as p", "from pkg import part", "from pkg.part import x",
         "from pkg import other, part as p", "__import__('pkg.part')"]  # fmt: skip
PLACES = ["{}", "def f():\n    {}", "class A:\n    def f(self):\n        async def g():\n            {}",
          "if x:\n    pass\nelse:\n    {}", "for x in y:\n    {}", "with a as b:\n    {}", "while 1:\n    {}",
          "try:\n    pass\nfinally:\n    {}", "try:\n    {}\nexcept ValueError:\n    pass",
          "if not TYPE_CHECKING:\n    {}", "if False:\n    pass\nelse:\n    {}"]  # fmt: skip
CAUGHT = ["try:\n    {}\nexcept ImportError:\n    pass", "try:\n    {}\nexcept:\n    pass",
          "try:\n    {}\nexcept (OSError, ImportError) as e:\n    pass",
          "try:\n    if x:\n        {}\nexcept Exception:\n    pass",
          "try:\n    pass\nexcept ImportError:\n    {}"]  # fmt: skip
NEVER = ["if False:\n    {}", "if 0:\n    {}", "if TYPE_CHECKING:\n    {}",
         "import typing\nif typing.TYPE_CHECKING:\n    {}",
         "# {}", "'''{}'''"]  # fmt: skip


def tree(folder: Path, **files: str) -> dict[str, tuple[str, Path]]:
    """Modules of a board by their name, out of the text of each path."""
    sources = {}
    for name, text in files.items():
        path = folder / f"{name.replace('/', '-')}.py"
        path.write_text(text)
        sources[f"/{name}.py"] = path
    return modules_by_name(sources)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_seen_in_every_place(tmp_path, form):
    for place in PLACES + CAUGHT:
        modules = tree(tmp_path, main=place.format(form), unrelated="import pkg", **{"pkg/part": ""})
        assert reach(modules, ["main"]).modules == {"main", "pkg.part"}, place
    for place in NEVER:
        assert reach(tree(tmp_path, main=place.format(form), **{"pkg/part": ""}), ["main"]).modules == {"main"}, place


@pytest.mark.parametrize(("text", "package", "names"), [
    ("from . import b", "a", {"a.b"}),
    ("from .b import c", "a", {"a.b.c"}),
    ("from .. import c", "a.b", {"a.c"}),
    ("from ..c import *", "a.b", {"a.c"}),
    ("from ....c import x", "a", {"c.x"}),
    ("from . import b", "", {"b"}),
    ("__import__(name); __import__(1); __import__()", "", set()),
])  # fmt: skip
def test_relative_and_dynamic_imports(text, package, names):
    assert {entry.module for entry in imports_of(text.encode(), package)} == names


@pytest.mark.parametrize(("target", "name"), [
    ("/a.py", "a"), ("/lib/a.mpy", "a"), ("/a/__init__.py", "a"), ("/lib/a/b.py", "a.b"), ("/lib/__init__.py", "lib"),
    ("/lib.py", "lib"), ("/x/lib/a.py", "x.lib.a"),
])  # fmt: skip
def test_a_module_is_imported_by_its_name(target, name):
    assert module_name(target) == name


def test_imports_are_followed_through_packages_and_circles(tmp_path):
    package = {"pkg/__init__": "import b", "pkg/deep/x": "from .. import y", "pkg/y": "import a"}
    modules = tree(tmp_path, main="import a", a="import pkg.deep.x", b="import main", script="import a", **package)
    assert reach(modules, ["main"]).modules == {"main", "a", "b", "pkg", "pkg.deep.x", "pkg.y"}
    assert imported_by(modules, "a") == {"pkg", "pkg.deep.x"}
    assert reach(modules, ["nowhere"]).modules == set()


def test_what_is_missing_is_named_unless_its_failure_is_caught(tmp_path):
    for place in PLACES:
        modules = tree(tmp_path, main="import part", part=place.format("import jwt"))
        assert reach(modules, ["main"]).missing == {"jwt": "part"}, place
    for place in CAUGHT:
        modules = tree(tmp_path, main="import part", part=place.format("import jwt"))
        assert reach(modules, ["main"]).missing == {}, place
        modules = tree(tmp_path, main=place.format("import part"), part="import jwt")
        assert reach(modules, ["main"]).missing == {}, place


def test_a_module_that_is_once_required_is_required(tmp_path):
    caught = CAUGHT[0].format("import part")
    for first, second in ((caught, "import part"), ("import part", caught)):
        modules = tree(tmp_path, main="import a, b", a=first, b=second, part="import jwt")
        assert reach(modules, ["main"]).missing == {"jwt": "part"}


@pytest.mark.parametrize("text", ["def (", "x = '\0'", "(" * 5000, "\ufeffimport é(", b"\xff\xfe".decode("latin-1")])
def test_what_cannot_be_parsed_imports_nothing(text):
    assert imports_of(text.encode(), "") == ()


def test_a_long_expression_hides_no_import():
    assert imports_of(b"import a\nx = " + b"+".join([b"1"] * 800), "") == (Import("a", False),)


def test_an_editors_warning_is_not_shown(recwarn):
    imports_of(b"x = '\\d'\nassert (1, 'a')\n", "")
    assert not recwarn.list


def test_the_names_in_bytecode_may_be_imports(tmp_path):
    for form in FORMS:
        source = tmp_path / "app.py"
        source.write_text(f"def f():\n    {form}\n")
        (tmp_path / "app.mpy").write_bytes(compile_mpy(source, "app.py", MpyVersion(6, 3, 0)))
        files = {"/app.mpy": tmp_path / "app.mpy", "/pkg/part.py": source, "/pkg/none.py": source}
        modules = modules_by_name(files)
        assert reach(modules, ["app"]).modules == {"app", "pkg.part"}, form
        assert reach(modules, ["app"]).missing == {}
        assert reach(modules, ["app"], bytecode=False).modules == {"app"}


def test_a_module_that_vanished_imports_nothing(tmp_path):
    assert reach({"main": ("/main.py", tmp_path / "gone.py")}, ["main"]).modules == {"main"}
