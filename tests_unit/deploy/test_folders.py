"""Folders of the user's: which modules they hold, which links are refused, and which folder was meant."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from camrig.deploy.contents import sources
from camrig.deploy.folders import application_files, library_files, library_modules
from camrig.deploy.rules import DeployRules
from camrig.errors import SettingsError


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"# {name}\n")
    return folder


def application(folder: Path, **rules: object) -> dict[str, Path]:
    return application_files(folder, DeployRules(**rules))[0]


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return write(tmp_path / "lib", "microdot/cors.py")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write(tmp_path / "app", "main.py")


def test_what_cannot_be_imported_is_left_out(library):
    write(library, ".git/hook.py", "__pycache__/cors.py", "microdot/.cors.py", "microdot/notes.txt")
    (library / "package.py").mkdir()
    assert set(library_modules(library)) == {"microdot/cors.py"}


@pytest.mark.parametrize("file", [
    "venv/lib/python3.11/site-packages/requests/api.py", "env/pyvenv.cfg", "tools/my-env/pyvenv.cfg",
    "node_modules/node-gyp/gyp_main.py", "vendor/site-packages/microdot/cors.py",
    ".venv/pyvenv.cfg", ".venv/a.py", "__pycache__/a.py", ".git/a.py", ".tox/a.py",
])  # fmt: skip
def test_an_environment_of_the_host_is_left_out(app, library, file):
    for folder, modules in ((app, application), (library, library_modules)):
        write(folder, file)
        assert set(modules(folder)) == {"main.py" if folder == app else "microdot/cors.py"}


@pytest.mark.parametrize("file", ["env/a.py", "modules/a.py", "venv.py"])
def test_a_folder_of_a_similar_name_is_deployed(app, file):
    write(app, file)
    assert file in application(app)


@pytest.mark.parametrize(
    ("files", "named", "message"),
    [
        (["lib/microdot/cors.py"], "lib/microdot", "it has no microdot/cors.py. Did you mean {}/lib?"),
        (["lib/microdot/cors.py"], ".", "it has no microdot/cors.py. Did you mean {}/lib?"),
        (["a/firmware/lib/microdot/cors.mpy"], ".", "Did you mean {}/a/firmware/lib?"),
        (["a/microdot/cors.py", "b/microdot/cors.py"], ".", "Did you mean {0}/a or {0}/b?"),
        (["microdot/cors.py", "src/x.py"], "src", "Did you mean {}?"),
        (["lib/cors.py"], "lib", "it has no microdot/cors.py. Move its cors.py to microdot/cors.py."),
        (["lib/microdot/microdot.py"], "lib", "it has no microdot/cors.py. Name the folder"),
        ([".venv/microdot/cors.py", "x.py"], ".", "it has no microdot/cors.py. Name the folder"),
        (["lib/microdot/Cors.py"], "lib", "it has no microdot/cors.py."),
        (["lib/microdot/cors/__init__.py"], "lib", "microdot/cors/__init__.py is a package"),
        (["lib/microdot/cors.py", "lib/src/microdot/cors.py"], "lib", "lib holds two libraries, "),
    ],
)
def test_a_folder_that_is_not_the_library_names_the_one_meant(tmp_path, files, named, message):
    write(tmp_path / "at", *files)
    with pytest.raises(SettingsError) as refused:
        library_modules(tmp_path / "at" / named)
    assert message.format(tmp_path / "at") in str(refused.value)
    assert "?." not in str(refused.value)


def test_a_folder_above_a_library_is_not_one_of_another_kind(tmp_path):
    write(tmp_path / "at", "tool.py", "lib/microdot/cors.py")
    with pytest.raises(
        SettingsError, match=r"at is not a library: it has no microdot/cors\.py\. Did you mean .*/lib\?"
    ):
        library_files(tmp_path / "at", has_cors=False)
    write(tmp_path / "at", "microdot/cors.py")
    with pytest.raises(SettingsError, match=r"at holds two libraries, .*at/microdot/cors\.py and .*at/lib/microdot"):
        library_files(tmp_path / "at", has_cors=False)


def test_empty_and_missing_folders_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingsError, match="empty is not a library: it is empty"):
        library_modules(tmp_path / "empty")
    with pytest.raises(SettingsError, match="there is no such folder"):
        library_modules(tmp_path / "missing")


@pytest.mark.parametrize(
    ("folder", "hint"), [("app", "Did you mean {}?"), (".", "Did you mean {}/sub/src?"), ("x", "Point --hil-app")]
)
def test_a_folder_that_is_not_the_application_names_the_one_meant(tmp_path, folder, hint):
    at = tmp_path / "at"
    write(at, "sub/src/main.py" if folder == "." else "main.py" if folder == "app" else "y/other.py")
    (at / folder).mkdir(exist_ok=True)
    with pytest.raises(SettingsError) as refused:
        application(at / folder)
    assert "is not an application: it has no main.py" in str(refused.value)
    assert hint.format(at) in str(refused.value)


@pytest.mark.parametrize("name", ["microdot", "microdot/cors.py", "helper.py", "tools"])
def test_a_library_has_no_links_and_both_files_are_named(tmp_path, library, name):
    elsewhere = write(tmp_path / "elsewhere", "microdot/cors.py", "helper.py", "tools/x.py") / name
    link = library / name
    if link.exists():
        link.rename(tmp_path / "moved")
    link.symlink_to(elsewhere)
    with pytest.raises(SettingsError) as refused:
        library_modules(library)
    assert f"{link} is a symbolic link to {elsewhere}, " in refused.value.what


def test_a_link_to_the_librarys_folder_itself_is_fine(tmp_path, library):
    (tmp_path / "current").symlink_to(library)
    assert set(library_modules(tmp_path / "current")) == {"microdot/cors.py"}


@pytest.mark.parametrize("name", ["microdot", "microdot/cors.py", "part.py", "part"])
def test_a_link_that_leads_nowhere_is_refused(tmp_path, library, app, name):
    for folder, modules in ((library, library_modules), (app, application)):
        link = folder / name
        if link.exists():
            link.rename(tmp_path / "moved")
        link.parent.mkdir(exist_ok=True)
        link.symlink_to("nowhere")
        with pytest.raises(SettingsError, match=rf"{link} is a symbolic link to nowhere, which does not exist"):
            modules(folder)


def test_a_link_that_leads_to_itself_leads_nowhere(app):
    (app / "part.py").symlink_to("part.py")
    with pytest.raises(SettingsError, match=r"part\.py, which does not exist"):
        application(app)


def test_what_the_links_of_an_application_lead_to_is_deployed(tmp_path, app):
    shared = write(tmp_path / "shared", "tools/x.py", "config.py")
    (app / "tools").symlink_to(shared / "tools")
    (app / "config.py").symlink_to(shared / "config.py")
    assert set(application(app)) == {"main.py", "tools/x.py", "config.py"}


def test_links_that_leave_an_application_and_come_back_are_refused(tmp_path, app):
    outside = write(tmp_path / "outside", "x.py")
    (app / "out").symlink_to(outside)
    (outside / "back").symlink_to(app)
    with pytest.raises(SettingsError, match=rf"{app}/out/back is a symbolic link back to {app}"):
        application(app)


@pytest.mark.parametrize("link", ["microdot", "lib", "lib/microdot", "lib/microdot/cors.py"])
def test_a_link_of_an_application_hides_no_library(tmp_path, library, app, link):
    copy = write(tmp_path / "copy", "microdot/cors.py")
    targets = {"lib": copy, "lib/microdot/cors.py": copy / "microdot/cors.py"}
    (app / link).parent.mkdir(parents=True, exist_ok=True)
    (app / link).symlink_to(targets.get(link, copy / "microdot"))
    inside = app / link if link.endswith(".py") else app / link / "cors.py"
    inside = app / "lib/microdot/cors.py" if link == "lib" else inside
    with pytest.raises(SettingsError) as refused:
        sources(library, app, None)
    assert str(inside) in refused.value.what
    assert str(library / "microdot/cors.py") in refused.value.what


@pytest.mark.parametrize("link", [False, True])
def test_the_library_may_lie_in_the_applications_folder(tmp_path, app, library, link):
    inside = app / "lib"
    if link:
        inside.symlink_to(library)
    else:
        library.rename(inside)
    named = library if link else inside
    assert sources(named, app, None)["/lib/microdot/cors.py"] == named / "microdot/cors.py"


def test_a_library_elsewhere_in_the_applications_folder_is_deployed_once(app):
    library = write(app / "src/lib", "microdot/cors.py", "microdot/ca.pem")
    assert set(sources(library, app, None)) >= {"/lib/microdot/cors.py", "/main.py", "/src/lib/microdot/ca.pem"}
    assert "/src/lib/microdot/cors.py" not in sources(library, app, None)


def test_a_pipe_is_not_a_module(app):
    os.mkfifo(app / "part.py")
    with pytest.raises(SettingsError, match=r"part\.py is not a regular file"):
        application(app)
