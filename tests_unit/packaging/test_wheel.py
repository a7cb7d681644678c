"""The wheel holds what a board needs, and works in a repository whose folders have the same names as ours."""

from __future__ import annotations

import subprocess
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

from .conftest import ROOT, Environment, run

IMPORTED = "raise ImportError('a folder of the repository hides a package that camrig needs')\n"
HIDING = ("rig/__init__.py", "lib/__init__.py", "device/__init__.py", "settings.py", "errors.py", "board/__init__.py")
TESTS = """
def test_the_virtual_board_answers(dut, http):
    assert http.get("/api/status").status_code == 200


def test_something_else():
    assert sum([1, 2]) == 3
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of somebody else, with folders and modules that are called like ours."""
    for name in HIDING:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(IMPORTED)
    (tmp_path / ".git").mkdir()
    (tmp_path / "device" / "main.py").write_text("raise SystemExit('an application that serves nothing')\n")
    (tmp_path / "tests_hil").mkdir()
    (tmp_path / "tests_hil" / "__init__.py").touch()
    (tmp_path / "tests_hil" / "test_panel.py").write_text(TESTS)
    return tmp_path


def test_the_wheel_holds_the_package_and_its_cargo(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        package = {name.partition("/")[2] for name in names if name.startswith("camrig/")}
        sources = {
            f"{prefix}{path.relative_to(folder)}"
            for prefix, folder in (
                ("", ROOT / "rig" / "camrig"),
                ("cargo/lib/", ROOT / "lib"),
                ("cargo/device/", ROOT / "device"),
            )
            for path in folder.rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        }
        assert package == {*sources, "report/results.schema.json"}
        assert {"py.typed", "cargo/lib/microdot/cors.py", "cargo/device/main.py"} < package
        assert "virtual/board_side/firmware.py" in package
        (information,) = {name.partition("/")[0] for name in names} - {"camrig"}
        entry_points = ConfigParser()
        entry_points.read_string(archive.read(f"{information}/entry_points.txt").decode())
        assert dict(entry_points["console_scripts"]) == {"camrig": "camrig.__main__:main"}
        assert dict(entry_points["pytest11"]) == {"camrig": "camrig.plugin.hooks"}
        assert f"{information}/licenses/LICENSE" in names


def test_the_command_and_the_cargo_are_those_of_the_environment(installed, repository):
    command = [installed.python.with_name("camrig"), "--version"]
    ended = run(command, repository)
    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.startswith("camrig ")
    assert cargo(installed, repository).is_relative_to(installed.python.parents[1])


def test_the_cargo_is_found_in_a_target_folder(target, repository):
    environment, packages = target
    assert cargo(environment, repository, PYTHONPATH=str(packages)) == packages / "camrig" / "cargo"


def cargo(environment: Environment, repository: Path, **variables: str) -> Path:
    """Where camrig's own lib/ and device/ are, as Python started in ``repository`` reports."""
    code = "from camrig.settings.resolve import cargo; print(cargo())"
    ended = run([environment.python, "-c", code], repository, **variables)
    assert ended.returncode == 0, ended.stdout
    return Path(ended.stdout.strip())


@pytest.mark.parametrize("as_module", [False, True], ids=["pytest", "python -m pytest"])
def test_a_foreign_repository_tests_the_virtual_board(installed, repository, as_module):
    command = [installed.python, "-m", "pytest"] if as_module else [installed.pytest]
    assert_both_pass(run([*command, "-q", "tests_hil"], repository))
    if not as_module:
        command = [installed.python.with_name("camrig"), "report", "results", "-o", "metrics.txt"]
        ended = run(command, repository)
        assert ended.returncode == 0, ended.stdout
        assert (repository / "metrics.txt").read_text().endswith("# EOF\n")


def test_a_foreign_repository_uses_camrig_from_a_target_folder(target, repository):
    environment, packages = target
    assert_both_pass(run([environment.pytest, "-q"], repository, PYTHONPATH=str(packages)))


def assert_both_pass(ended: subprocess.CompletedProcess[str]) -> None:
    assert ended.returncode == 0, ended.stdout
    assert "2 passed" in ended.stdout
    assert "camrig virtual board" in ended.stdout
