"""What a firmware never needs is left out wherever it lies, said with its reason, and brought back by include."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from camrig.deploy.contents import read_contents
from camrig.deploy.folders import application_files
from camrig.deploy.left_out import LeftOut, rows, summary
from camrig.deploy.rules import DeployRules
from camrig.errors import SettingsError

from tests_unit.conftest import ROOT

LEFT_OUT = {
    "cache": ["__pycache__/a.pyc", "a.cpython-311.pyc", "demo.egg-info/SOURCES"],
    "tests": ["tests/a.py", "test/data.json", "test_a.py", "a_test.py", "conftest.py", "test_a.mpy"],
    "documentation": ["README.md", "notes.rst", "LICENSE", "Licence.txt", "CHANGELOG.md", "COPYING", "readme.txt"],
    "project file": [
        "pyproject.toml",
        "camrig.toml",
        "camrig.wifi.toml",
        "Makefile",
        "requirements-dev.txt",
        "a.pyi",
    ],
    "editor's back-up": ["main.py~", ".main.py.swp", "a.orig", "a.bak", "#main.py#"],
    "packages of this host": ["venv/a.py", "my/pyvenv.cfg", "node_modules/a/b.js", "x/site-packages/a.py"],
    "dot-file": [".gitignore", ".git/config", ".mypy_cache/a.json", ".DS_Store", ".env"],
}
DEPLOYED = ["static/index.html", "app.css", "a.js", "a.json", "logo.png", "cert.pem", "key.der", "templates/a.tpl",
            "text.txt", "data.bin", "Testing.html", "attest.py", "contest/a.html", "environment.py", "test.html",
            "latest.py", "readme.html", "licenses.json", "a b/c'd.html", "grüße/ö.html", "noextension",
            "test_pattern.html", "venv.py", "a.toml", "A.PY", "makefile.html"]  # fmt: skip


def write(folder: Path, *names: str) -> Path:
    for name in ("main.py", *names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def application(folder: Path, **rules: object) -> tuple[set[str], list[LeftOut]]:
    files, left_out = application_files(folder, DeployRules(**rules))
    return set(files), left_out


@pytest.mark.parametrize("file", DEPLOYED)
def test_every_other_file_is_deployed_in_its_place(tmp_path, file):
    write(tmp_path, file)
    files, left_out = application(tmp_path)
    assert files == {"main.py", file}
    assert left_out == []


@pytest.mark.parametrize("reason", LEFT_OUT)
@pytest.mark.parametrize("at", ["", "static/", "a b/pkg/"])
def test_what_is_never_needed_is_left_out_at_every_depth(tmp_path, reason, at):
    for number, file in enumerate(LEFT_OUT[reason]):
        folder = write(tmp_path / str(number), at + file, at + "page.html")
        files, left_out = application(folder)
        assert files == {"main.py", at + "page.html"}, file
        (entry,) = left_out
        assert entry.reason == ("dot-file" if file.startswith(".") else reason)
        assert (at + file).startswith(entry.path)
        assert entry.is_folder == (entry.path != at + file)


@pytest.mark.parametrize("reason", LEFT_OUT)
@pytest.mark.parametrize("at", ["", "static/"])
def test_include_brings_back_a_file_a_folder_or_all(tmp_path, reason, at):
    for number, file in enumerate(LEFT_OUT[reason]):
        folder = write(tmp_path / str(number), at + file)
        entry = application(folder)[1][0].path
        for pattern in (at + file, "/" + at + file, entry.rstrip("/"), entry):
            assert application(folder, include=(pattern,))[0] == {"main.py", at + file}, pattern
        with pytest.raises(SettingsError, match="and exclude wins"):
            application(folder, include=(at + file,), exclude=(entry,))


def test_below_an_included_folder_other_reasons_count(tmp_path):
    write(tmp_path, "tests/test_a.py", "tests/sub/a.html", "tests/__pycache__/a.pyc", "tests/README.md", "tests/.x")
    files, left_out = application(tmp_path, include=("tests",))
    assert files == {"main.py", "tests/test_a.py", "tests/sub/a.html"}
    assert {entry.path for entry in left_out} == {"tests/__pycache__/", "tests/README.md", "tests/.x"}


def test_an_include_of_one_file_leaves_the_rest_of_its_folder(tmp_path):
    write(tmp_path, "node_modules/chart/dist/c.js", "node_modules/chart/x.js", "node_modules/y/README.md", "a.md")
    files, left_out = application(tmp_path, include=("node_modules/*/dist/*.js", "*.md"))
    assert files == {"main.py", "node_modules/chart/dist/c.js", "a.md"}
    assert left_out == [LeftOut("node_modules/", "packages of this host")]


@pytest.mark.parametrize("pattern", ["tests", "tests/", "tests/a.py", "*.pyc", "**/x.pyc", ".git/config"])
def test_an_exclude_of_what_is_left_out_anyway_is_fine(tmp_path, pattern):
    write(tmp_path, "tests/a.py", "__pycache__/x.pyc", ".git/config")
    assert application(tmp_path, exclude=(pattern,))[0] == {"main.py"}


@pytest.mark.parametrize("exclude", ["main.py", "*", "**", "*.py", "/main.py"])
def test_an_application_keeps_its_main(tmp_path, exclude):
    with pytest.raises(SettingsError, match=r"\[deploy\] exclude leaves out .*main\.py"):
        application(write(tmp_path), exclude=(exclude,))


@pytest.mark.parametrize("setting", ["include", "exclude"])
@pytest.mark.parametrize("pattern", ["nothing", "static/*.map", "../main.py", "[", "a\0b"])
def test_a_pattern_that_matches_nothing_is_refused(tmp_path, setting, pattern):
    with pytest.raises(SettingsError, match=rf"\[deploy\] {setting}: .* matches nothing in {tmp_path}"):
        application(write(tmp_path, "static/a.html"), **{setting: (pattern,)})


def test_the_folders_of_the_rigs_results_are_left_out(tmp_path):
    write(tmp_path, "results/run.json", "out/b.json", "static/results/a.html")
    files, left_out = application(tmp_path, results=(tmp_path / "results", tmp_path / "out", tmp_path))
    assert files == {"main.py", "static/results/a.html"}
    assert {entry.reason for entry in left_out} == {"results of the rig"}


def test_what_is_not_a_file_is_left_out_and_what_is_too_large_refused(tmp_path):
    os.mkfifo(write(tmp_path) / "control")
    assert application(tmp_path) == ({"main.py"}, [LeftOut("control", "not a regular file")])
    with open(tmp_path / "film.mp4", "wb") as film:
        film.truncate(1 << 40)
    with pytest.raises(SettingsError, match=r"film\.mp4 has 1099511627776 bytes"):
        application(tmp_path)
    assert application(tmp_path, exclude=("*.mp4",))[0] == {"main.py"}


def test_names_of_any_bytes_may_be_left_out_and_are_shown_in_one_line(tmp_path):
    write(tmp_path)
    for name in (b"gr\xf6sse.md", b"a\nb.md"):
        open(os.path.join(os.fsencode(tmp_path), name), "w").close()
    assert application(tmp_path)[0] == {"main.py"}
    lines = [*rows(application(tmp_path)[1]), summary(application(tmp_path)[1])]
    assert lines == [
        r"left out  a\nb.md       documentation",
        r"left out  gr\xf6sse.md  documentation",
        r"2 files: a\nb.md, gr\xf6sse.md (documentation)",
    ]


def test_the_summary_counts_and_names_a_few_for_each_reason():
    entries = [LeftOut(f"test_{number}.py", "tests") for number in range(5)]
    entries += [LeftOut("tests/", "tests"), LeftOut("a.md", "documentation"), LeftOut("__pycache__/", "cache")]
    assert summary(entries) == (
        "6 files, 1 folder: test_0.py, test_1.py, test_2.py and 3 others (tests), a.md (documentation)"
    )
    assert summary([LeftOut("__pycache__/", "cache")]) == ""


@pytest.mark.parametrize("inside", [False, True])
def test_data_in_the_library_is_left_out_unless_it_is_the_applications(tmp_path, inside):
    app = write(tmp_path / "app")
    library = write(app / "lib" if inside else tmp_path / "lib", "microdot/cors.py", "microdot/ca.pem", "README.md")
    (library / "main.py").unlink()
    contents = read_contents(library, app, ROOT / "device" / "rig_agent.py")
    assert ("/lib/microdot/ca.pem" in contents.layers["the application"]) is inside
    left_out = [LeftOut("lib/README.md", "documentation")]
    if not inside:
        names = {"README.md": "documentation", "microdot/ca.pem": "data in the library"}
        left_out = [LeftOut(str(library / name), reason) for name, reason in names.items()]
    assert list(contents.left_out) == left_out
