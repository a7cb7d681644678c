"""Options with values leave the root folder, the tests and the config file where they are; Ctrl-C is one line."""

from __future__ import annotations

import importlib.abc
import signal
import sys

import pytest
from camrig.__main__ import main
from camrig.settings.argv import join_values, mistaken

from tests_unit.conftest import ROOT

FILES = {"--device": "ttyUSB0", "--firmware": "new.bin", "--hil-elf": "new.elf", "--hil-evidence": "old.zip"}
FOLDERS = {"--hil-lib": "lib", "--hil-app": "app", "--hil-baselines": "kept", "--hil-results": "out"}


@pytest.fixture
def project(tmp_path):
    """A project with its tests in a folder of their own, and things elsewhere that options name."""
    suite, elsewhere = tmp_path / "project" / "suite", tmp_path / "else where"
    suite.mkdir(parents=True)
    elsewhere.mkdir()
    (suite.parent / "camrig.toml").write_text('[limits]\nheap.free = "-512 B"\n')
    (suite / "test_one.py").write_text("def test_it(mine):\n    pass\n")
    (suite / "conftest.py").write_text(
        "import pytest\n\ndef pytest_addoption(parser):\n    parser.addoption('--mine')\n\n"
        "@pytest.fixture\ndef mine():\n    pass\n"
    )
    for name in FILES.values():
        (elsewhere / name).touch()
    for name in FOLDERS.values():
        (elsewhere / name).mkdir()
    return suite.parent


@pytest.fixture
def collect(run, project):
    """Collects the project's tests."""

    def call(*options, cwd=project, **env):
        return run("pytest", "--collect-only", *options, cwd=cwd, env={"PYTHONPATH": str(ROOT / "rig"), **env})

    return call


def whole(ended, project):
    assert ended.code == 0, ended.out
    assert f"rootdir: {project}\n" in ended.out
    assert f"camrig: settings and limits of {project / 'camrig.toml'}\n" in ended.out
    assert "1 test collected" in ended.out


@pytest.mark.parametrize(("flag", "name"), [*FILES.items(), *FOLDERS.items()])
def test_a_value_behind_a_space_is_no_path_to_tests(collect, project, flag, name):
    (project / "pytest.ini").write_text("[pytest]\ntestpaths = suite\n")
    whole(collect(flag, str(project.parent / "else where" / name), "--mine=1"), project)


def test_neither_is_one_without_any_ini_file_nor_a_relative_one_nor_one_from_the_environment(collect, project):
    whole(collect("--device", "../else where/ttyUSB0"), project)
    whole(collect(PYTEST_ADDOPTS=f"-q -v --device '{project.parent}/else where/ttyUSB0'"), project)
    whole(collect("suite", "--device", "../else where/ttyUSB0", "--device", "sim"), project)


def test_the_limits_are_those_of_the_folder_where_the_command_was_given(collect, project):
    ended = collect("--device", "/dev/null", cwd=project / "suite")
    assert f"camrig: settings and limits of {project / 'camrig.toml'}\n" in ended.out
    (project / "suite" / "camrig.toml").write_text("[limits]\n")
    ended = collect("--device", "/dev/null", cwd=project / "suite")
    assert f"camrig: the usual limits, settings of {project / 'suite' / 'camrig.toml'}\n" in ended.out


def test_the_config_file_beside_the_tests_is_read_from_a_folder_above_it(collect, project):
    (project.parent / "pytest.ini").touch()
    ended = collect("project/suite/test_one.py::test_it", "--device", "sim", cwd=project.parent)
    assert f"camrig: settings and limits of {project / 'camrig.toml'}\n" in ended.out


def test_only_options_of_ours_are_joined_to_what_follows_them(tmp_path):
    (tmp_path / "x").touch()
    given = ["-k", "x", "--hil-compare-anyway", "x", "--hil-save", "x", "--hil-lib=x", "--", "--device", "x"]
    assert join_values(given) == [*given[:4], "--hil-save=x", *given[6:]]
    assert mistaken(given, tmp_path)
    assert not mistaken(join_values(given), tmp_path)
    assert not mistaken(["--device", "sim", "--hil-save"], tmp_path)


def test_the_suite_needs_no_plugin_but_ours(hil):
    ended = hil(
        "-p", "no:timeout", "-p", "no:xdist", "-p", "no:hypothesispytest", "-W", "error::pytest.PytestConfigWarning"
    )
    assert ended.code == 0, ended.out
    assert "4 passed" in ended.out


@pytest.mark.parametrize("arguments", [["verdict"], ["ab", "--seed", "x"], ["nonsense"], []])
def test_wrong_arguments_of_a_command_end_as_wrong_options_of_pytest_do(monkeypatch, capsys, arguments):
    monkeypatch.setattr(sys, "argv", ["camrig", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 4
    assert capsys.readouterr().err.startswith("usage: camrig")


class Interrupted(importlib.abc.MetaPathFinder):
    """Ctrl-C while a module is looked for."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "camrig.cli.main":
            raise KeyboardInterrupt


@pytest.mark.parametrize("when", ["while it is read", "while it runs"])
def test_an_interrupted_command_ends_in_one_line(monkeypatch, capsys, when):
    if when == "while it is read":
        monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
        monkeypatch.delitem(sys.modules, "camrig.cli.main", raising=False)
    else:
        monkeypatch.setattr("camrig.cli.main.resolve", lambda *_: signal.raise_signal(signal.SIGINT))
    monkeypatch.setattr(sys, "argv", ["camrig", "devices"])
    assert main() == 130
    assert capsys.readouterr().err == "camrig: interrupted\n"
