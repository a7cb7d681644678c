"""Options with values leave pytest's root folder, the tests and the config file where they are."""

from __future__ import annotations

import pytest

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


@pytest.mark.parametrize("values", [FILES, FOLDERS], ids=["files", "folders"])
def test_a_value_behind_a_space_is_not_a_test_path(collect, project, values):
    """One value that is taken for a path is enough to move the root folder."""
    (project / "pytest.ini").write_text("[pytest]\ntestpaths = suite\n")
    options = [word for flag, name in values.items() for word in (flag, str(project.parent / "else where" / name))]
    whole(collect(*options, "--mine=1"), project)


def test_a_value_is_not_a_test_path_wherever_it_comes_from(collect, project):
    whole(collect("--device", "../else where/ttyUSB0"), project)
    whole(collect(PYTEST_ADDOPTS=f"-q -v --device '{project.parent}/else where/ttyUSB0'"), project)
    whole(collect("suite", "--device", "../else where/ttyUSB0", "--device", "sim"), project)


def test_limits_come_from_the_folder_of_the_command(collect, project):
    ended = collect("--device", "/dev/null", cwd=project / "suite")
    assert f"camrig: settings and limits of {project / 'camrig.toml'}\n" in ended.out
    (project / "suite" / "camrig.toml").write_text("[limits]\n")
    ended = collect("--device", "/dev/null", cwd=project / "suite")
    assert f"camrig: the usual limits, settings of {project / 'suite' / 'camrig.toml'}\n" in ended.out


def test_a_config_file_beside_the_tests_is_found_from_above(collect, project):
    (project.parent / "pytest.ini").touch()
    ended = collect("project/suite/test_one.py::test_it", "--device", "sim", cwd=project.parent)
    assert f"camrig: settings and limits of {project / 'camrig.toml'}\n" in ended.out


def test_the_suite_needs_no_other_plugin(hil):
    ended = hil(
        "-p", "no:timeout", "-p", "no:xdist", "-p", "no:hypothesispytest", "-W", "error::pytest.PytestConfigWarning"
    )
    assert ended.code == 0, ended.out
    assert "36 passed" in ended.out
