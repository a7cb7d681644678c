"""A library or an application that would be judged as another one: one sentence and exit code 4, before any board."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from camrig.deploy.contents import upstream_cors

from tests_unit.conftest import ROOT, Ended

SHIPPED = ROOT / "lib" / "microdot" / "cors.py"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A repository with a library in ``lib`` and an application in ``app``."""
    (tmp_path / ".git").mkdir()
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "lib", tmp_path / "lib", ignore=ignore)
    shutil.copytree(ROOT / "device", tmp_path / "app", ignore=ignore)
    (tmp_path / "test_page.py").write_text("def test_page(dut):\n    assert dut.url\n")
    return tmp_path


@pytest.fixture
def doors(run: Callable[..., Ended], command: Callable[..., Ended], here: Path) -> Callable[..., list[Ended]]:
    """Gives a library and an application to commands that deploy them, by default to two, on a missing port."""

    def call(lib: str, app: str, number: int = 2) -> list[Ended]:
        device = ("--device", "/dev/ttyNOBOARD", "--hil-app", app)
        commands = (
            ("ab", "--candidate", lib, "--baseline", "upstream"),
            ("ab", "--candidate", "upstream", "--baseline", lib),
            ("calibrate", "--hil-lib", lib),
            ("deploy", "--hil-lib", lib),
            ("doctor", "--deploy", "--hil-lib", lib),
        )
        env = {"PYTHONPATH": str(ROOT / "rig")}
        suite = run("pytest", "-p", "no:cacheprovider", "--hil-lib", lib, *device, cwd=here, env=env)
        return [suite, *(command(*words, *device, cwd=here) for words in commands[: number - 1])]

    return call


def copy(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SHIPPED.read_text())


def assert_refused(ended: Ended, *words: str) -> None:
    assert ended.code == 4, ended.out
    (sentence,) = [line for line in ended.out.splitlines() if re.match(r"(ERROR|camrig): (?!the usual)", line)]
    for word in words:
        assert word in sentence
    assert "Traceback" not in ended.out
    assert "ttyNOBOARD" not in ended.out  # no board was looked for
    assert ended.left_running() == []


def test_every_command_refuses_an_application_with_a_microdot_of_its_own(doors, here):
    copy(here / "app/lib/microdot/cors.py")
    for ended in doors("lib", "app", 6):
        assert_refused(ended, "app/lib/microdot/cors.py of the application are both microdot.cors on the board")
        assert "lib/microdot/cors.py of the library and" in ended.out or str(upstream_cors()) in ended.out


@pytest.mark.parametrize(
    ("file", "library"),
    [
        ("app/microdot/cors.py", "lib/microdot/cors.py"),
        ("app/lib/microdot.mpy", "lib/microdot/cors.py"),
        ("lib/microdot/cors.mpy", "lib/microdot/cors.py"),
    ],
)
def test_a_second_file_of_the_librarys_name_is_refused(doors, here, file, library):
    copy(here / file)
    for ended in doors("lib", "app"):
        assert_refused(ended, file, library)


def test_a_folder_one_level_off_is_refused_and_the_right_one_named(doors, here):
    for ended in doors("lib/microdot", "app"):
        assert_refused(ended, "lib/microdot is not a library: it has no microdot/cors.py. Did you mean lib?")
    for ended in doors(".", "app"):
        assert_refused(ended, ". is not a library: it has no microdot/cors.py. Did you mean lib?")


def test_links_and_empty_folders_are_refused(doors, here):
    (here / "empty").mkdir()
    for ended in doors("empty", "app"):
        assert_refused(ended, "empty is not a library: it is empty")
    (here / "linked/microdot").mkdir(parents=True)
    (here / "linked/microdot/cors.py").symlink_to(SHIPPED)
    for ended in doors("linked", "app"):
        assert_refused(ended, f"linked/microdot/cors.py is a symbolic link to {SHIPPED}")
    (here / "app/panel.py").symlink_to("gone.py")
    for ended in doors("lib", "app"):
        assert_refused(ended, "app/panel.py is a symbolic link to gone.py, which does not exist")


def test_links_out_of_the_repository_and_idle_patterns_are_refused(doors, here, tmp_path_factory):
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.pem"
    secret.touch()
    (here / "app/key.pem").symlink_to(secret)
    for ended in doors("lib", "app"):
        assert_refused(ended, f"app/key.pem is a symbolic link to {secret}, which is outside of this repository")
    (here / "app/key.pem").unlink()
    (here / "camrig.toml").write_text('[deploy]\ninclude = ["static/*.map"]\n')
    for ended in doors("lib", "app"):
        assert_refused(ended, "[deploy] include: 'static/*.map' matches nothing in app")


def test_an_application_without_main_is_refused(doors, here):
    for ended in doors("lib", "lib"):
        assert_refused(ended, "lib is not an application: it has no main.py")


def test_a_library_without_tests_of_a_board_is_not_looked_at(run, here):
    (here / "test_page.py").write_text("def test_plain():\n    pass\n")
    ended = run("pytest", "--hil-lib", ".", cwd=here, env={"PYTHONPATH": str(ROOT / "rig")})
    assert ended.code == 0, ended.out
