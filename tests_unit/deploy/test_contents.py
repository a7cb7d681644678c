"""What goes onto a board beside library and application: extensions of Microdot, imported tests, links, mounts."""

from __future__ import annotations

from pathlib import Path

import microdot
import pytest
from camrig.bringup.contents import contents_for
from camrig.deploy.contents import Contents, read_contents, sources
from camrig.deploy.layers import APPLICATION, LIBRARY, MICRODOT, merge
from camrig.errors import SettingsError
from camrig.settings.resolve import resolve

from tests_unit.conftest import ROOT

LIB = ROOT / "lib"
CORE = {"__init__.py", "microdot.py", "cors.py"}
EXTENSIONS = sorted({path.stem for path in Path(microdot.__file__).parent.glob("*.py")} - {"__init__", "microdot"})
NEEDS = {  # beside the extension itself
    "websocket": {"helpers"}, "sse": {"helpers"}, "session": {"helpers"}, "multipart": {"helpers"},
    "asgi": {"websocket", "helpers"}, "wsgi": {"websocket", "helpers"}, "test_client": {"websocket", "helpers"},
}  # fmt: skip
PACKAGES = {"session": "jwt", "utemplate": "utemplate", "jinja": "jinja2"}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/main.py").write_text("import part\n")
    (tmp_path / "app/part.py").touch()
    return tmp_path / "app"


def deployed_of_microdot(app: Path, lib: Path = LIB) -> set[str]:
    return {Path(target).name for target in read_contents(lib, app, None).layers[MICRODOT]}


def paths_left_out(contents: Contents) -> set[str]:
    """Without the bytecode of a library that other tests have imported."""
    return {entry.path for entry in contents.left_out if "__pycache__" not in entry.path}


@pytest.mark.parametrize("name", EXTENSIONS)
@pytest.mark.parametrize("form", ["import microdot.{}", "from microdot.{} import x", "from microdot import {}"])
def test_an_extension_of_microdot_is_deployed_where_it_is_imported(app, name, form):
    assert deployed_of_microdot(app) == CORE
    expected = CORE | {f"{module}.py" for module in {name, *NEEDS.get(name, ())}}
    (app / "part.py").write_text(f"def later():\n    {form.format(name)}\n")
    contents = read_contents(LIB, app, None)
    assert {Path(target).name for target in contents.layers[MICRODOT]} == expected
    package = PACKAGES.get(name)
    assert bool(contents.missing) == bool(package)
    if package:
        (sentence,) = contents.missing
        assert sentence.startswith(f"microdot.{name} imports {package}, which neither the application nor")
        (app / package).mkdir()
        (app / package / "__init__.py").touch()
        assert read_contents(LIB, app, None).missing == ()
    merge(contents.layers)


def test_what_only_a_script_imports_is_deployed_and_not_missed(app):
    (app / "by_hand.py").write_text("import microdot.session\n")
    assert deployed_of_microdot(app) == CORE | {"session.py", "helpers.py"}
    assert read_contents(LIB, app, None).missing == ()


def test_the_librarys_own_imports_count(tmp_path, app):
    (tmp_path / "lib/microdot").mkdir(parents=True)
    (tmp_path / "lib/microdot/cors.py").write_text("from .websocket import x\nfrom . import csrf")
    assert deployed_of_microdot(app, tmp_path / "lib") == CORE | {"websocket.py", "helpers.py", "csrf.py"}


def test_an_application_may_bring_an_extension_of_its_own_and_no_core(app):
    (app / "part.py").write_text("import microdot.sse\n")
    (app / "lib/microdot").mkdir(parents=True)
    (app / "lib/microdot/sse.py").write_text("import microdot.csrf\n")
    merged = sources(LIB, app, None)
    assert merged["/lib/microdot/sse.py"] == app / "lib/microdot/sse.py"
    assert merged["/lib/microdot/csrf.py"].parent.name == "microdot"
    (app / "lib/microdot/microdot.py").touch()
    with pytest.raises(SettingsError, match=r"are both microdot\.microdot on the board"):
        sources(LIB, app, None)


def test_a_module_with_the_name_of_a_test_is_deployed_where_it_is_imported(tmp_path, app):
    (app / "tests").mkdir()
    for name in ("test_pattern.py", "test_data.py", "self_test.py", "tests/deep.py", "tests/other.py"):
        (app / name).touch()
    (app / "part.py").write_text("import test_pattern\ndef f():\n    from tests import deep")
    (app / "test_pattern.py").write_text("import self_test, test_link")
    (app / "test_link.py").symlink_to("part.py")
    contents = read_contents(LIB, app, None)
    assert set(contents.layers[APPLICATION]) == {
        "/main.py", "/part.py", "/test_pattern.py", "/self_test.py", "/tests/deep.py",
    }  # fmt: skip
    assert paths_left_out(contents) == {"test_data.py", "test_link.py", "tests/"}


def repository(folder: Path, deploy: str = "", config: bool = True) -> Path:
    """A repository with an application, what it may link to, and what it may mount."""
    for name in (
        "repo/.git/x",
        "repo/fw/app/main.py",
        "repo/fw/app/a.html",
        "repo/shared/pkg/mod.py",
        "out/pkg/a.py",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    for name in ("www/index.html", "www/js/a.js", "www/README.md", "docs/README.md", "one.html", "b/config.py"):
        (folder / "repo/fw/web" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "repo/fw/web" / name).touch()
    if config:
        (folder / "repo/fw/camrig.toml").write_text(f'app = "app"\n[deploy]\n{deploy}\n')
    return folder / "repo/fw"


def deployed(fw: Path) -> set[str]:
    settings = resolve({"app": str(fw / "app")}, {}, fw)
    contents = contents_for(settings, agent=False)
    merge(contents.layers)
    return set(contents.layers[APPLICATION])


@pytest.mark.parametrize("config", [True, False])
@pytest.mark.parametrize("name", ["pkg", "mod.py", "page.html"])
def test_a_link_within_the_repository_is_deployed_and_no_other(tmp_path, config, name):
    fw = repository(tmp_path, config=config)
    (tmp_path / "repo/shared/page.html").touch()
    shared = {"pkg": "pkg", "mod.py": "pkg/mod.py", "page.html": "page.html"}[name]
    (fw / "app" / name).symlink_to(f"../../shared/{shared}")
    assert deployed(fw) - {"/main.py", "/a.html"} == {"/pkg/mod.py" if name == "pkg" else f"/{name}"}
    (fw / "app" / name).unlink()
    outside = tmp_path / "out/pkg" if name == "pkg" else tmp_path / "out/pkg/a.py"
    (fw / "app" / name).symlink_to(outside)
    with pytest.raises(SettingsError) as refused:
        deployed(fw)
    assert f"{name} is a symbolic link to {outside}, which is outside of this repository" in refused.value.what
    assert f'mount = {{ "/{name}" = "{outside}" }}' in refused.value.hint


def test_a_link_behind_a_link_is_looked_at_too(tmp_path):
    fw = repository(tmp_path)
    (fw / "app/pkg").symlink_to("../../shared/pkg")
    (tmp_path / "repo/shared/pkg/far").symlink_to(tmp_path / "out")
    with pytest.raises(SettingsError, match="app/pkg/far is a symbolic link to"):
        deployed(fw)


@pytest.mark.parametrize(("mount", "files"), [
    ('{ "/www" = "web/www" }', {"/www/index.html", "/www/js/a.js"}),
    ('{ "//www//x/" = "web/www" }', {"/www/x/index.html", "/www/x/js/a.js"}),
    ('{ "/" = "web/www" }', {"/index.html", "/js/a.js"}),
    ('{ "/i.html" = "web/one.html" }', {"/i.html"}),
    ('{ "/w/" = "web/one.html" }', {"/w/one.html"}),
    ('{ "/R.md" = "web/www/README.md" }', {"/R.md"}),
    ('{ "/lib/far" = "../../out/pkg" }', {"/lib/far/a.py"}),
    ('{ "/a" = "web/www", "/a/js/b" = "web/one.html" }', {"/a/index.html", "/a/js/a.js", "/a/js/b"}),
])  # fmt: skip
def test_a_mount_puts_a_file_or_a_folder_elsewhere(tmp_path, mount, files):
    assert deployed(repository(tmp_path, f"mount = {mount}")) == {"/main.py", "/a.html"} | files


@pytest.mark.parametrize(("mount", "message"), [
    ('{ "/www" = "web/none" }', "/web/none for /www does not exist"),
    ('{ "/www" = "web/docs" }', "/web/docs for /www holds no file to deploy"),
    ('{ "/x" = "/dev/null" }', "/dev/null for /x is not a regular file"),
    ('{ "www" = "web/www" }', "'www' is not a path on the board"),
    ('{ "/a/../b" = "web/www" }', "'/a/../b' is not a path on the board"),
    ('{ "" = "web/www" }', "'' is not a path on the board"),
    ('{ "/a\\nb" = "web/www" }', "has a control character in it"),
    ('{ "/a\\u2028b" = "web/www" }', "has a control character in it"),
    (f'{{ "/{"n" * 300}" = "web/www" }}', "has a name that is too long for a board"),
    ('{ "/camrig.json" = "web/one.html" }', "/camrig.json on the board belongs to the rig"),
    ('{ "/Camrig_rig.json" = "web/one.html" }', "belongs to the rig"),
    ('{ "/.camrig" = "web/www" }', "/.camrig/index.html on the board belongs to the rig"),
    ('{ "/.camrig" = "web/one.html" }', "/.camrig on the board belongs to the rig"),
    ('{ "/rig_agent.py" = "web/one.html" }', "/rig_agent.py on the board belongs to the rig"),
    ('{ "/lib/microdot/cors" = "web/www" }', "are both microdot.cors on the board"),
    ('{ "/lib/microdot/cors.py" = "web/one.html" }', "are both microdot.cors on the board"),
    ('{ "/microdot" = "web/www" }', "are both microdot on the board"),
    ('{ "/main.py" = "web/one.html" }', "are both /main.py on the board"),
    ('{ "/A.html" = "web/one.html" }', "are both /a.html on the board, where case does not count"),
    ('{ "/a.html/b" = "web/one.html" }', "are both /a.html on the board"),
    ('{ "/w" = "web/www", "/w/index.html" = "web/one.html" }', "are both /w/index.html on the board"),
    ('{ "/main" = "web/www" }', "are both main on the board"),
])  # fmt: skip
def test_a_mount_that_cannot_be_is_refused(tmp_path, mount, message):
    fw = repository(tmp_path, f"mount = {mount}")
    (fw / "app/main.py").write_text("from microdot.cors import CORS\n")
    with pytest.raises(SettingsError) as refused:
        deployed(fw)
    assert message in refused.value.what
    assert "\n" not in str(refused.value)


def test_the_rigs_own_files_in_an_application_stay_behind(app):
    for name in ("camrig.json", "camrig_rig.json", "rig_agent.mpy"):
        (app / name).touch()
    contents = read_contents(LIB, app, None)
    assert set(contents.layers[APPLICATION]) == {"/main.py", "/part.py"}
    assert paths_left_out(contents) == {"camrig_rig.json", "rig_agent.mpy"}
    assert set(contents.layers[LIBRARY]) == {"/lib/microdot/cors.py"}
