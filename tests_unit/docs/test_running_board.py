"""What docs/own-firmware.md says of an application that runs on a board, tried on one that was made from the page."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
from camrig.deploy.board_scripts import RECORD
from camrig.dut import Dut

from tests_unit.docs.cistern import DATA, ORIGIN, PAGE, WIFI
from tests_unit.docs.page import codes

PREFLIGHT = [("Origin", ORIGIN), ("Access-Control-Request-Method", "GET")]


@pytest.fixture(scope="module")
def dut(deployed) -> Iterator[Dut]:
    return deployed.boot()


def file(dut, path: str) -> bytes:
    return dut.request("GET", f"/files{path}").body


def test_the_settings_of_the_rig_are_merged_into_the_applications(dut):
    path, shown = codes(PAGE.sentence("Read Wi-Fi settings and port from"))
    settings = json.loads(file(dut, path))
    expected = json.loads(shown.replace("…", "null"))
    assert settings["wifi"] == {"ssid": WIFI["CAMRIG_WIFI_SSID"], "password": WIFI["CAMRIG_WIFI_PASSWORD"]}
    assert settings["wifi"].keys() == expected["wifi"].keys()
    assert settings["port"] == expected["port"] == dut.address[1]  # whatever the application's own says
    assert settings.keys() == {*expected, "alarm", "camera"}
    assert settings["alarm"] == json.loads(DATA["camrig.json"])["alarm"]
    assert settings["camera"] is False  # as the page's camrig.toml says


def test_the_port_after_the_servers_sends_back_what_it_receives(dut):
    host, port = dut.address
    assert dut.agent.echo_port() == port + 1
    with socket.create_connection((host, port + 1), 10) as connection:
        connection.sendall(b"\0any bytes\xff")
        connection.shutdown(socket.SHUT_WR)
        assert connection.makefile("rb").read() == b"\0any bytes\xff"


def test_the_timing_header_is_answered_and_nothing_else_is_changed(dut):
    header, shown = codes(PAGE.sentence("A request with the header"))
    timed = dut.request("OPTIONS", "/level", [*PREFLIGHT, tuple(header.split(": "))])
    name, _, value = shown.partition(": ")
    assert float(timed.header(name).removeprefix(value.removesuffix("MILLISECONDS"))) < timed.phases.total
    plain = dut.request("OPTIONS", "/level", PREFLIGHT)
    assert plain.header(name) is None
    assert sorted(header for header in timed.headers if header[0] != name) == sorted(plain.headers)


def test_the_agent_answers_below_rig_and_echo_alone_without_a_token(dut):
    assert dut.request("POST", "/rig/echo", [], b"word").body == b"word"
    for path in ("/rig/policy", "/rig/heap", "/rig/about", "/rig/none"):
        assert dut.request("GET", path).status == 403
    for path in ("/policy", "/echo", "/rig"):
        assert dut.request("GET", path).status == 404


def test_a_list_is_changed_in_place(dut):
    (code,) = codes(PAGE.sentence("changes the list that is there"))
    dut.agent.run("app.before = agent.cors().allowed_origins")
    assert eval(code, {"dut": dut})["allowed_origins"] == ["https://wall.example"]
    same = "figures['same'] = agent.cors().allowed_origins is app.before"
    assert dut.agent.run(same) == {"same": True}
    dut.policy(allowed_origins=["https://wall.example"])
    assert dut.agent.run(same) == {"same": False}


def test_python_runs_on_the_board_where_app_is_the_application(dut):
    code = codes(PAGE.sentence("runs Python on the board"))[0]
    eval(code, {"dut": dut})
    assert dut.agent.run("import cistern; figures['wall'] = cistern.app.wall") == {"wall": True}


def test_boot_py_is_the_rigs_and_runs_the_applications(dut, repository):
    own = (repository / "firmware/app/boot.py").read_bytes()
    assert file(dut, "/.camrig/boot.py") == own
    guard = file(dut, "/boot.py")
    assert guard != own
    assert 15 < len(guard.splitlines()) < 26  # some twenty
    assert dut.agent.run("import __main__; figures['started'] = __main__.started") == {"started": True}


def test_the_list_of_written_files_is_kept_on_the_board(dut):
    written = file(dut, RECORD).decode().split()
    assert {"/main.py", "/cistern.mpy", "/www/index.html", "/ca.pem", "/lib/microdot/cors.mpy"} <= set(written)
    assert RECORD.startswith("/.camrig/")


def test_scripts_that_nobody_imports_are_there_and_never_run(dut, deployed):
    """The last of this file: it ends the application."""
    assert "by_hand has run" not in dut.console.text()
    assert {"cistern", "uplink"} <= deployed.imports.keys()
    assert "by_hand" not in deployed.imports
    assert deployed.exec("import by_hand") == "by_hand has run\n"
