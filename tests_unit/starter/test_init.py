"""``camrig init`` makes a repository ready for its first run, and changes nothing that is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from camrig.cli.main import main
from camrig.settings.config_file import read_toml
from camrig.starter.survey import survey_of

MICRODOT = "from microdot import Microdot\napp = Microdot()\n"
ATTACHED = MICRODOT + "import rig_agent\nrig_agent.attach(app)\n"


@pytest.fixture
def init(tmp_path, monkeypatch, capsys):
    """Writes ``files`` into an empty repository and runs ``camrig init`` there; its exit code and what it prints."""
    monkeypatch.chdir(tmp_path)

    def call(files=(), *arguments):
        for path, text in dict(files).items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        code = main(["init", *arguments])
        return code, "".join(capsys.readouterr())

    return call


def config(folder: Path) -> dict:
    return read_toml(folder / "camrig.toml")


def test_an_empty_folder_has_a_green_run(init, run, tmp_path):
    code, out = init()
    assert code == 0, out
    assert "next: pytest tests" in out
    ended = run("pytest", "tests", cwd=tmp_path)
    assert ended.code == 0, ended.out
    assert "Correct: all 2 tests passed." in ended.out
    ignored = (tmp_path / ".gitignore").read_text().split()
    assert all(path.name in (".pytest_cache", "__pycache__", *(line.strip("/") for line in ignored))
               or path.name in ("firmware", "tests", ".github", "camrig.toml", ".gitignore")
               for path in tmp_path.iterdir())  # fmt: skip


def test_the_workflow_runs_the_tests_on_the_virtual_board(init, tmp_path):
    init()
    workflow = yaml.safe_load((tmp_path / ".github/workflows/hil.yml").read_text())
    (job,) = workflow["jobs"].values()
    assert job["steps"][-1]["run"] == "python -m pytest tests"
    assert workflow["permissions"] == {"contents": "read"}
    assert not any("secret" in json.dumps(step) for step in job["steps"])


@pytest.mark.parametrize("path", ["firmware/main.py", "tests/test_board.py", ".github/workflows/hil.yml"])
def test_a_file_that_is_there_is_kept(init, tmp_path, path):
    code, out = init({path: "# mine\n"})
    assert code == 0
    assert (tmp_path / path).read_text() == "# mine\n"
    assert path == "firmware/main.py" or f"kept      {path}" in out


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("*.pyc", "*.pyc\ncamrig.wifi.toml\nresults/\n"),
        ("results/\n", "results/\ncamrig.wifi.toml\n"),
        ("/results\n/camrig.wifi.toml\n", "/results\n/camrig.wifi.toml\n"),
    ],
)
def test_gitignore_gets_what_it_lacks(init, tmp_path, before, after):
    init({".gitignore": before})
    assert (tmp_path / ".gitignore").read_text() == after


def test_a_repository_that_is_set_up_is_an_error(init, tmp_path):
    code, out = init({"camrig.toml": "port = 80\n"})
    assert code == 4
    assert out == "camrig: camrig.toml exists: this repository is set up. Run pytest.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["camrig.toml"]


def test_a_folder_that_cannot_be_written_is_one_sentence(init, tmp_path):
    code, out = init({"taken": "a file"}, "taken/below")
    assert code == 4
    assert out.startswith("camrig: taken")
    assert "cannot be written: " in out
    assert out.count("\n") == 1


@pytest.mark.parametrize(
    ("files", "app", "lib", "tests"),
    [
        ({"main.py": MICRODOT}, ".", None, "tests"),
        ({"src/app/main.py": MICRODOT, "tests_hil/x.py": ""}, "src/app", None, "tests_hil"),
        ({"a/b/main.py": "", "z/main.py": "", "test/x.py": ""}, "z", None, "test"),
        ({"venv/main.py": "", ".tox/main.py": "", "fw/main.py": ""}, "fw", None, "tests"),
        ({"lib/microdot/cors.py": "", "fw/main.py": ""}, "fw", "lib", "tests"),
        ({"fw/lib/microdot/cors.py": ""}, "firmware", "fw/lib", "tests"),
    ],
)
def test_what_is_there_is_used(init, tmp_path, files, app, lib, tests):
    code, out = init(files)
    assert code == 0
    assert (config(tmp_path)["app"], config(tmp_path).get("lib")) == (app, lib)
    assert (tmp_path / tests / "test_board.py").is_file()
    assert f"next: pytest {tests}\n" in out


def test_other_applications_are_named(init):
    _, out = init({"a/main.py": "", "b/main.py": ""})
    assert "app is a; if it should be b, change camrig.toml" in out


@pytest.mark.parametrize(
    ("main", "fixture", "advised"), [(MICRODOT, "http", True), (ATTACHED, "preflight", False), ("", "http", False)]
)
def test_the_test_fits_the_application(init, tmp_path, main, fixture, advised):
    _, out = init({"fw/main.py": main})
    assert f"{fixture})" in (tmp_path / "tests/test_board.py").read_text()
    assert ("rig_agent.attach(app)" in out) == advised


def test_another_folder_may_be_named(init, tmp_path):
    code, out = init({}, "panel")
    assert code == 0
    assert (tmp_path / "panel/camrig.toml").is_file()
    assert "next: cd panel && pytest tests" in out


def test_a_folder_that_does_not_exist_has_nothing(tmp_path):
    survey = survey_of(tmp_path / "none")
    assert (survey.application, survey.library) == (None, None)
