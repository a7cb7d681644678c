"""A repository that does not use camrig runs as if camrig were not installed, and one that does is not disturbed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests_unit.conftest import Ended

WIFI = {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "correct horse battery"}
FIXTURES = ("board", "dut", "http", "preflight", "measure", "note", "bench", "device_spec")
OWN_FIXTURE = """
import pytest

@pytest.fixture{scope}
def {name}():
    return "own {name}"
"""
OWN_OPTION = """
def pytest_addoption(parser):
    parser.addoption("--device", default="own default")
    parser.addoption("--firmware", default="own default")
"""
STATUS = 'def test_status(dut, http):\n    assert http.get("/api/status").status_code == 200\n'


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "pytest.ini").touch()
    return tmp_path


@pytest.fixture
def pytest_in(run: Callable[..., Ended], repository: Path) -> Callable[..., Ended]:
    """Runs pytest in the repository."""

    def call(*options: str, **env: str) -> Ended:
        unset = {"CAMRIG_BOOT_TIMEOUT": ""}  # a variable of camrig's would say that the repository uses it
        ended = run("pytest", "-p", "no:cacheprovider", *options, cwd=repository, env={**unset, **env})
        assert "INTERNALERROR" not in ended.out
        assert ended.left_running() == []
        return ended

    return call


@pytest.mark.parametrize("scope", ["", '(scope="session")'], ids=["function", "session"])
def test_fixtures_of_the_repositorys_own_are_left_alone(pytest_in, repository, scope):
    conftest = "".join(OWN_FIXTURE.format(name=name, scope=scope) for name in FIXTURES)
    (repository / "conftest.py").write_text(conftest)
    tests = [f"def test_{name}({name}):\n    assert {name} == 'own {name}'\n" for name in FIXTURES]
    (repository / "test_own.py").write_text("\n".join(tests))
    ended = pytest_in()
    assert ended.code == 0, ended.out
    assert f"{len(FIXTURES)} passed" in ended.out
    assert "camrig:" not in ended.out
    assert not (repository / "results").exists()


@pytest.mark.parametrize("name", ["board", "note"])
def test_one_fixture_of_its_own_leaves_the_others_to_camrig(pytest_in, repository, name):
    (repository / "conftest.py").write_text(OWN_FIXTURE.format(name=name, scope=""))
    (repository / "test_both.py").write_text(f"def test_own({name}):\n    assert {name} == 'own {name}'\n\n{STATUS}")
    ended = pytest_in(**WIFI)
    assert ended.code == 0, ended.out
    assert "2 passed" in ended.out


@pytest.mark.parametrize(
    "env",
    [{"ESPBAUD": "abc"}, {"ESPPORT": " "}, {"CAMRIG_PORT": "high"}],
    ids=str,
)
def test_wrong_settings_matter_only_where_they_are_used(pytest_in, repository, env):
    (repository / "test_plain.py").write_text("def test_plain():\n    pass\n")
    ended = pytest_in(**env)
    assert ended.code == 0, ended.out
    (repository / "test_rig.py").write_text(STATUS)
    ended = pytest_in(**WIFI, **env)
    assert ended.code == 4, ended.out
    assert ended.out.count("ERROR: ") == 1


@pytest.mark.parametrize("name", ["CAMRIG_COMPARE", "CAMRIG_SAVE", "CAMRIG_EVIDENCE"])
def test_a_variable_that_asks_for_a_judgement_is_never_ignored(pytest_in, repository, name):
    (repository / "test_plain.py").write_text("def test_plain():\n    pass\n")
    ended = pytest_in(**{name: "no such folder/no such name"})
    assert ended.code in (4, 6), ended.out  # wrong, or nothing was measured


def test_short_options_exist_where_a_conftest_loads_the_plugin(pytest_in, repository):
    (repository / "conftest.py").write_text("pytest_plugins = ['camrig.plugin.hooks']\n")
    (repository / "test_plain.py").write_text("def test_plain():\n    pass\n")
    ended = pytest_in("-p", "no:camrig", "--device", "sim", "--hil-device", "other")
    assert ended.code == 0, ended.out


@pytest.mark.parametrize("text", ["device = ", "devise = 'sim'", "[limits]\nheap.free = 'much'\n"])
def test_a_broken_config_file_matters_only_where_it_is_used(pytest_in, repository, text):
    (repository / "camrig.toml").write_text(text)
    (repository / "test_plain.py").write_text("def test_plain():\n    pass\n")
    assert pytest_in().code == 0
    assert pytest_in("--hil-lib", str(repository)).code == 4


def test_options_of_a_conftest_stay_its_own(pytest_in, repository):
    (repository / "conftest.py").write_text(OWN_OPTION)
    (repository / "test_own.py").write_text(
        "def test_own(pytestconfig):\n"
        "    assert pytestconfig.getoption('--device') == 'phone'\n"
        "    assert pytestconfig.getoption('--firmware') == 'own default'\n"
    )
    ended = pytest_in("--device", "phone")
    assert ended.code == 0, ended.out
    ended = pytest_in("--device", "phone", "--hil-device", "nowhere", "--hil-require", "hardware")
    assert ended.code == 0, ended.out
    (repository / "test_rig.py").write_text(STATUS)
    ended = pytest_in("--device=phone", "--hil-device=nowhere", **WIFI)
    assert ended.code == 6, ended.out
    assert "there is no port nowhere" in ended.out


@pytest.mark.parametrize("value", ["fw.bin", "my build/fw.bin"])
def test_an_option_of_a_conftest_keeps_a_value_that_is_a_path(pytest_in, repository, value):
    (repository / "my build").mkdir()
    (repository / value).touch()
    (repository / "conftest.py").write_text(OWN_OPTION)
    (repository / "test_own.py").write_text(
        f"def test_own(pytestconfig):\n    assert pytestconfig.getoption('--firmware') == {value!r}\n"
    )
    for options in (("--firmware", value), (f"--firmware={value}",), ("--firmware", value, "test_own.py")):
        ended = pytest_in(*options)
        assert ended.code == 0, ended.out
        assert "1 passed" in ended.out


def test_a_switch_of_a_conftest_stays_a_switch(pytest_in, repository):
    (repository / "conftest.py").write_text(
        "def pytest_addoption(parser):\n    parser.addoption('--device', action='store_true')\n"
    )
    (repository / "tests").mkdir()
    (repository / "tests" / "test_own.py").write_text(
        "def test_own(pytestconfig):\n    assert pytestconfig.getoption('--device') is True\n"
    )
    ended = pytest_in("--device", "tests")
    assert ended.code == 0, ended.out


def test_a_board_that_another_plugins_option_seems_to_name_is_refused(pytest_in, repository):
    (repository / "conftest.py").write_text(OWN_OPTION)
    (repository / "test_rig.py").write_text(STATUS)
    ended = pytest_in("--device", "/dev/ttyUSB9", **WIFI)
    assert ended.code == 4, ended.out
    assert "Write --hil-device /dev/ttyUSB9." in ended.out


def test_pytest_main_returns_where_pytest_is_started_again(run, repository):
    (repository / "lib").mkdir()
    (repository / "test_plain.py").write_text("def test_plain():\n    pass\n")
    (repository / "call.py").write_text(
        "import os, pytest\n"
        "code = pytest.main(['-q', '-p', 'no:cacheprovider', '--hil-lib', 'lib'])\n"
        "print('returned', int(code), os.environ['PYTEST_ADDOPTS'])\n"
    )
    ended = run("call", cwd=repository, env={"PYTEST_ADDOPTS": "--hil-app lib"})
    assert "1 passed" in ended.out
    assert "returned 0 --hil-app lib" in ended.out


def test_a_usage_error_names_the_command_that_was_typed(pytest_in, repository):
    (repository / "lib").mkdir()
    ended = pytest_in("--hil-lib", "lib", "--nonsense")
    assert ended.code == 4, ended.out
    assert "pytest.main()" not in ended.out


@pytest.mark.parametrize("order", [0, 1], ids=["loaded before camrig", "loaded after camrig"])
def test_options_and_fixtures_of_another_plugin_stay_its_own(pytest_in, repository, order):
    plugin = OWN_OPTION + "".join(OWN_FIXTURE.format(name=name, scope="") for name in ("dut", "board"))
    (repository / "other_plugin.py").write_text(plugin)
    (repository / "test_own.py").write_text(
        "def test_own(dut, pytestconfig):\n    assert (dut, pytestconfig.getoption('--device')) == ('own dut', 'x')\n"
    )
    plugins = ["other_plugin", "camrig.plugin.hooks"]
    pair = [part for name in (plugins if order == 0 else plugins[::-1]) for part in ("-p", name)]
    options = ("-p", "no:camrig", *pair, "--device", "x")
    ended = pytest_in(*options, PYTHONPATH=str(repository))
    assert ended.code == 0, ended.out
    (repository / "x").touch()
    assert pytest_in(*options, "test_own.py", PYTHONPATH=str(repository)).code == 0


USES = {
    "a parameter": "def test_other(http):\n    pass\n",
    "a mark": "import pytest\n@pytest.mark.usefixtures('http')\ndef test_other():\n    pass\n",
    "a module's mark": "import pytest\npytestmark = pytest.mark.usefixtures('note')\n",
    "a nested class": "class TestA:\n    class TestB:\n        def test_other(self, http):\n            pass\n",
    "a fixture": "import pytest\n@pytest.fixture\ndef panel(dut, http):\n    return http\n",
}


PLACES = [(use, "test_rig.py") for use in USES] + [("a fixture", "conftest.py")]


@pytest.mark.parametrize(("use", "place"), PLACES)
def test_camrigs_fixtures_win_where_a_fixture_that_only_camrig_has_is_used(pytest_in, repository, use, place):
    (repository / "other_plugin.py").write_text(OWN_FIXTURE.format(name="dut", scope=""))
    (repository / "test_rig.py").write_text("def test_url(dut):\n    assert dut.url\n")
    with (repository / place).open("a") as file:
        file.write(USES[use])
    ended = pytest_in("-p", "other_plugin", PYTHONPATH=str(repository), CAMRIG_DEVICE="nowhere", **WIFI)
    assert ended.code == 6, ended.out  # the plugin's fixture needs no board
    assert "there is no port nowhere" in ended.out


def test_camrigs_fixtures_win_where_an_option_is_given(pytest_in, repository):
    (repository / "other_plugin.py").write_text(OWN_FIXTURE.format(name="dut", scope=""))
    (repository / "test_rig.py").write_text("def test_url(dut):\n    assert dut.url\n")
    ended = pytest_in("-p", "other_plugin", "--device", "sim", PYTHONPATH=str(repository))
    assert ended.code == 0, ended.out


def test_an_option_with_an_existing_path_prints_no_warning_and_one_report(pytest_in, repository):
    (repository / "lib").mkdir()
    (repository / "test_plain.py").write_text("def test_plain():\n    pass\n")
    ended = pytest_in("--hil-lib", "lib", "-W", "error")
    assert ended.code == 0, ended.out
    assert ended.out.count("test session starts") == 1
    assert "arning" not in ended.out
