"""What docs/own-firmware.md says of commands before a board is looked for, run in this process on a missing port."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from camrig.board.session import Session
from camrig.bringup import deployment
from camrig.bringup.board import Board
from camrig.cli.main import main
from camrig.deploy.file_names import check_names
from camrig.deploy.manifest import File
from camrig.errors import DeployError
from camrig.probe.client import Phases, Response
from camrig.settings.resolve import resolve
from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.conftest import ROOT
from tests_unit.deploy.test_fat import _DISK
from tests_unit.docs.cistern import PAGE, WIFI, make_cistern
from tests_unit.docs.page import codes

MISSING = ("--device", "/dev/ttyNOBOARD")
REFUSED = PAGE.sentence("A pattern that matches nothing, a mount that does not exist")
NAMES = PAGE.sentence("A name that is not UTF-8")
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    folder = make_cistern(tmp_path)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def camrig(repository, capsys) -> Call:
    def call(*words: str) -> tuple[int, str, str]:
        code = main(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


COMMANDS = {
    "camrig ab": (("--candidate", "firmware/lib", "--baseline", "upstream"), {"candidate", "baseline", "limits"}),
    "camrig calibrate": ((), {"library", "limits"}),
    "camrig deploy": ((), {"library"}),
}


def test_commands_print_the_lines_of_the_header(camrig):
    sentence = PAGE.sentence("print the same lines")
    assert codes(sentence) == [*COMMANDS]
    header = PAGE.code("camrig: settings and limits of").splitlines()[1:]
    labels = {line[2:13].strip() for line in header} - {"library", "limits"}
    for command, (options, own) in COMMANDS.items():
        code, out, err = camrig(*command.split()[1:], *options, *MISSING)
        assert (code, "there is no port" in err) == (6, True), (command, err)
        lines = re.findall(r"^  (\w[\w ]{0,10}\w)  ", out, re.MULTILINE)
        assert set(lines) == labels | own, command


def deploy_table(repository: Path, line: str) -> None:
    text = (repository / "camrig.toml").read_text()
    (repository / "camrig.toml").write_text(text.partition("[deploy]")[0] + f"[deploy]\n{line}\n")


def refused_tables() -> dict[str, list[str]]:
    """Lines of a [deploy] table for each part of the sentence, with every place of the rig that it names."""
    places = [code for code in codes(REFUSED) if code.startswith(("/", "rig_agent"))]
    assert places == ["/camrig.json", "/camrig_rig.json", "/.camrig", "rig_agent"]
    rig = [place if place.startswith("/") else f"/{place}.py" for place in places]
    return {
        "A pattern that matches nothing": ['include = ["*.map"]', 'exclude = ["static/none"]'],
        "a mount that does not exist": ['mount = { "/x" = "web/none" }'],
        "or has no files": ['mount = { "/x" = "web/empty" }'],
        "one in a place of the rig": [f'mount = {{ "{place}" = "web/dist/index.html" }}' for place in rig],
        "or of another file": ['mount = { "/cistern.py" = "web/dist/index.html" }'],
        "an application that excludes its `main.py`": ['exclude = ["main.py"]'],
    }


def test_what_a_table_may_not_say_ends_before_a_board_is_sought(camrig, repository):
    (repository / "web/empty").mkdir()
    for words, lines in refused_tables().items():
        assert words in REFUSED
        for line in lines:
            deploy_table(repository, line)
            code, _, err = camrig("deploy", *MISSING)
            assert (code, "NOBOARD" in err, err.count("\n")) == (4, False, 1), (line, err)
    deploy_table(repository, 'include = ["docs/help.md"]')
    assert camrig("deploy", *MISSING)[0] == 6


@pytest.mark.parametrize("name", [b"gr\xf6sse.html", b"a\nb.html", b"a\x07b.html"], ids=["not UTF-8", "line", "bell"])
def test_a_name_that_no_board_can_hold_blocks(camrig, repository, name):
    with open(os.path.join(os.fsencode(repository / "firmware/app"), name), "w"):
        pass
    code, _, err = camrig("deploy", *MISSING)
    assert (code, err.count("\n")) == (6, 1), err
    assert "NOBOARD" not in err
    assert "name" in err


def test_a_name_that_fat_cannot_hold_blocks():
    characters = codes(NAMES)[0].split()
    assert characters == list('"\\:*?<>|')
    with VirtualBoard.start(VirtualConfig()) as board:
        session = Session(board.path, 115200)
        session.repl()
        names = [f"/a{character}b" for character in characters] + ["/dot.", "/space "]
        check_names(session, [File(name, b"") for name in names])  # littlefs holds all of them
        session.exec(_DISK)
        for name in names:
            with pytest.raises(DeployError, match="is not a name that its filesystem can hold") as caught:
                check_names(session, [File(name, b"")])
            assert caught.value.exit_code == 6
        session.close()


def test_names_are_looked_at_before_anything_is_changed(virtual, repository, monkeypatch):
    def refuse(session, files):
        raise DeployError("a name that cannot be")

    with Board(virtual.path, resolve({"device": [virtual.path]}, WIFI, repository)) as board:
        board.deploy(measure_imports=False)
        before = board.deployment.read_back()
        with (repository / "firmware/app/cistern.py").open("a") as module:
            module.write("changed = True\n")
        monkeypatch.setattr(deployment, "check_names", refuse)
        with pytest.raises(DeployError, match="a name that cannot be"):
            board.deploy(measure_imports=False)
        assert board.deployment.read_back() == before


def test_a_library_may_lie_in_the_applications_folder(camrig, repository):
    words = codes(PAGE.sentence("The library may lie in the application's folder"))[0].split()
    (repository / "firmware/main.py").write_text("from microdot.cors import CORS\n")
    (repository / "camrig.toml").unlink()
    code, out, err = camrig("deploy", *words, *MISSING)
    assert (code, "no port" in err) == (6, True), err
    assert re.search(r"^  library +firmware/lib/microdot/cors\.py ", out, re.MULTILINE)


def test_an_application_needs_main_and_no_boot(camrig, repository):
    (repository / "firmware/app/boot.py").unlink()
    assert camrig("deploy", *MISSING)[0] == 6  # no such port
    (repository / "firmware/app/main.py").unlink()
    code, _, err = camrig("deploy", *MISSING)
    assert (code, "it has no main.py" in err) == (4, True), err


def test_a_deploy_by_hand_has_the_agent_unless_for_production(camrig):
    for option, expected in (("--production", False), ("--dry-run", True)):
        _, out, _ = camrig("deploy", option, *MISSING)
        assert bool(re.search(r"^  agent +\S+rig_agent\.py, 2 modules ", out, re.MULTILINE)) is expected


# Prints of each test of the suite, in the order of a run, whether it is marked.
COLLECT = """
import pytest
class Plugin:
    def pytest_collection_finish(self, session):
        print("marked", *(int(item.get_closest_marker("functional") is not None) for item in session.items))
pytest.main(["tests_hil", "--collect-only", "-qq", "-p", "no:cacheprovider"], plugins=[Plugin()])
"""


def test_the_suite_runs_functional_tests_alone_or_first():
    sentence = PAGE.sentence("runs only what the library must do")
    assert codes(sentence) == ["pytest -m functional"]
    done = subprocess.run([sys.executable, "-c", COLLECT], cwd=ROOT, capture_output=True, text=True, timeout=100)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("marked "))
    marks = line.split()[1:]
    number = int(re.search(r"about (\d+) tests", sentence)[1])
    assert 0.9 * number < marks.count("1") < 1.1 * number
    assert marks == sorted(marks, reverse=True)
    assert "0" in marks


def test_a_failed_comparison_shows_policy_request_and_response(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tests_hil"))
    import cors_expectation

    headers = [("Vary", "Origin"), ("Access-Control-Allow-Origin", "https://wrong.example")]
    exchange = cors_expectation.Exchange(
        {"allowed_origins": ["https://wall.example"], "max_age": 60},
        "GET",
        "/level",
        [("Origin", "https://wall.example")],
        Response(200, "OK", headers, b"", Phases(1, 2, 3)),
    )
    with pytest.raises(AssertionError) as caught:
        cors_expectation.expect_cors(exchange, cors_expectation.Cors(origin="https://wall.example", vary="Origin"))
    text = str(caught.value)
    assert re.search(r"^policy: .*allowed_origins=\['https://wall\.example'\], max_age=60", text, re.MULTILINE)
    assert re.search(r"^request: +GET /level\n.*Origin: https://wall\.example", text, re.MULTILINE)
    assert re.search(r"^response: +200 OK\n(.*\n)*?.*Allow-Origin: https://wrong\.example", text, re.MULTILINE)


class StopHereError(Exception):
    pass


@pytest.mark.parametrize("forwarded", [True, False])
def test_a_forwarded_port_is_measured_without_the_echo(virtual, monkeypatch, repository, recwarn, forwarded):
    monkeypatch.syspath_prepend(str(ROOT / "tests_hil"))
    import test_preflight_costs as costs

    def sampler(send, request, *, echo, **keywords):
        raise StopHereError(echo)

    monkeypatch.setattr(costs, "Sampler", sampler)
    url = {"url": f"http://{virtual.address}:8080"} if forwarded else {}
    with Board(virtual.path, resolve({"device": [virtual.path], **url}, WIFI, repository)) as board:
        board.deploy(measure_imports=False)
        dut = board.boot()
        recwarn.clear()
        with pytest.raises(StopHereError) as stopped:
            costs.test_time_of_each_phase_is_measured_beside_controls(dut, dut.policy, None, None)
    texts = [str(warning.message) for warning in recwarn]
    assert any("the request without CORS is the only control" in text for text in texts) is forwarded
    assert (stopped.value.args == (None,)) is forwarded
