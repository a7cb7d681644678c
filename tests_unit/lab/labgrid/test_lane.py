"""Places at a real coordinator: acquired, waited for, lost, left behind by killed runs, and offered."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from camrig.board.session import Session
from camrig.bringup.board import Board
from camrig.errors import BoardBusyError, LabError, LeaseLostError, PortError
from camrig.lab.device_spec import open_device
from camrig.lab.labgrid.connection import Connection
from camrig.settings.resolve import Settings

from tests_unit.conftest import ROOT
from tests_unit.lab.labgrid.conftest import NETWORK, Lab, coordinator, free_port, process

HOLD = """
import sys, time
from camrig.lab.device_spec import open_device
from camrig.settings.resolve import Settings
with open_device(sys.argv[1], Settings(coordinator=sys.argv[2])) as device:
    print("holds", device.port, flush=True)
    time.sleep(600)
"""
NETWORK_VARIABLES = {"CAMRIG_WIFI_SSID": NETWORK.ssid, "CAMRIG_WIFI_PASSWORD": NETWORK.password}
TESTS = """
import time

def test_first(dut):
    print("under way", flush=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        dut.request("GET", "/api/status")
        time.sleep(0.05)

def test_second(dut):
    pass
"""


@pytest.fixture(autouse=True)
def _free_places(labgrid: Lab):
    yield
    labgrid.wait_until_free()


def exec_on(port: str) -> str:
    session = Session(port, 115200)
    try:
        session.repl()
        return session.exec("print(6*7)").strip()
    finally:
        session.close()


def exec_for(session: Session, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        session.exec("print(1)")


def as_other_user(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """From now on this process is somebody else elsewhere, who sees no lock of this host."""
    (folder / "runtime").mkdir(exist_ok=True)
    patch.setenv("XDG_RUNTIME_DIR", str(folder / "runtime"))
    patch.setenv("LG_USERNAME", "eve")
    patch.setenv("LG_HOSTNAME", "elsewhere")


def test_a_command_deploys_to_a_place_and_releases_it(labgrid, command):
    ended = command(
        "deploy", "--device", "labgrid:hosta-sim1", env={**NETWORK_VARIABLES, "LG_COORDINATOR": labgrid.coordinator}
    )
    assert ended.code == 0, ended.out
    assert re.search(r"connect .*rfc2217://127.0.0.1:\d+", ended.out)
    assert "labgrid:hosta-sim1 serves at http://" in ended.out
    assert labgrid.holders() == {}


def test_serve_prints_the_line_that_uses_its_boards(labgrid):
    assert f"LG_COORDINATOR={labgrid.coordinator} pytest --device labgrid:hosta-sim1" in labgrid.served
    assert NETWORK.password not in labgrid.served


def test_serve_ends_with_everything_that_it_started(labgrid, run):
    serve = ("camrig", "lab", "serve", "--hil-coordinator", labgrid.coordinator, "--virtual", "1", "--name")
    names = []

    def stop(process: subprocess.Popen[str]) -> None:
        names.extend(place["name"] for place in labgrid.connection.request("places")["places"])
        process.send_signal(signal.SIGINT)

    ended = run(*serve, "hostd", when=("Ctrl-C ends it", stop))
    assert ended.code == 0, ended.out
    assert "hostd-sim1" in names
    assert "hostd-sim1" not in {place["name"] for place in labgrid.connection.request("places")["places"]}
    assert ended.left_running() == []
    ended = run(*serve, "hosta")
    assert ended.code == 6
    assert ended.out.endswith("camrig: another exporter is called hosta. End that one, or choose another --name.\n")
    assert ended.left_running() == []


def test_runs_that_ask_for_tags_get_different_places(labgrid):
    with ExitStack() as stack:
        first = stack.enter_context(labgrid.lease("+kind=esp32+board=virtual"))
        second = stack.enter_context(labgrid.lease("+kind=esp32,board=virtual"))
        assert exec_on(first.port) == exec_on(second.port) == "42"
        assert set(labgrid.holders()) == set(labgrid.boards)
        with pytest.raises(BoardBusyError, match=r"tags kind=esp32 is in use: hosta-sim. is held by .* since 2"):
            stack.enter_context(labgrid.lease("+kind=esp32"))
    with pytest.raises(PortError, match=r"no place .* has the tags kind=esp8266") as error:
        labgrid.lease("+kind=esp8266").__enter__()
    assert "hosta-sim1 has board=virtual kind=esp32" in error.value.hint


def test_a_run_waits_for_a_place_that_another_user_holds(labgrid, monkeypatch, tmp_path):
    with monkeypatch.context() as patch, ExitStack() as stack:
        as_other_user(patch, tmp_path)
        stack.enter_context(labgrid.lease("hosta-sim1"))
        patch.undo()
        with pytest.raises(BoardBusyError, match=r"hosta-sim1 is held by eve on elsewhere since 20\d\d-") as error:
            labgrid.lease("hosta-sim1").__enter__()
        assert "--hil-wait" in error.value.hint
        lines: list[str] = []

        def leave(line: str) -> None:
            lines.append(line)
            stack.close()

        with labgrid.lease("hosta-sim1", 30, leave) as device:
            assert exec_on(device.port) == "42"
    (line,) = lines
    assert "held by eve on elsewhere" in line
    assert "waiting up to 30 s" in line


def test_reservations_are_honoured(labgrid, monkeypatch, tmp_path):
    output = labgrid.client("reserve", "--shell", "name=hosta-sim2")
    token = re.search(r"LG_TOKEN=(\w+)", output)[1]
    with pytest.raises(BoardBusyError, match="hosta-sim2 is reserved for eve on elsewhere since"):
        labgrid.lease("hosta-sim2").__enter__()
    with monkeypatch.context() as patch:
        as_other_user(patch, tmp_path)
        with labgrid.lease(f"+{token}") as device:
            assert device.port.startswith("rfc2217://")
            assert set(labgrid.holders()) == {"hosta-sim2"}
        patch.setenv("LG_TOKEN", token)
        with labgrid.lease("+kind=esp32"):
            assert set(labgrid.holders()) == {"hosta-sim2"}
    labgrid.client("cancel-reservation", token)
    with pytest.raises(PortError, match=f"has no reservation {token}"):
        labgrid.lease(f"+{token}").__enter__()


def test_a_place_that_was_acquired_by_hand_stays_acquired(labgrid, monkeypatch, tmp_path):
    as_other_user(monkeypatch, tmp_path)
    labgrid.client("-p", "hosta-sim2", "acquire")
    lines: list[str] = []
    with labgrid.lease("hosta-sim2", notify=lines.append) as device:
        assert exec_on(device.port) == "42"
    assert labgrid.holders() == {"hosta-sim2": "elsewhere/eve"}
    assert "acquired by hand" in lines[0]
    labgrid.client("-p", "hosta-sim2", "release")


def hold(labgrid: Lab, place: str) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, f"labgrid:{place}", labgrid.coordinator],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline().startswith("holds rfc2217://")
    return holder


def test_a_run_that_ends_while_it_acquires_leaves_the_place_free(labgrid):
    """The exporter takes half a second to start ser2net."""
    with closing(Connection(labgrid.coordinator)) as side:
        assert side._process.stdin is not None
        side._process.stdin.write('{"do": "acquire", "place": "hosta-sim2"}\n')
        side._process.stdin.flush()
        time.sleep(0.2)
    with labgrid.lease("hosta-sim2") as device:
        assert exec_on(device.port) == "42"


def test_a_killed_run_leaves_its_place_to_the_next(labgrid):
    with hold(labgrid, "hosta-sim1") as holder:
        with pytest.raises(BoardBusyError, match=f"process {holder.pid}"):
            labgrid.lease("hosta-sim1").__enter__()
        holder.kill()
    with labgrid.lease("hosta-sim1") as device:
        assert exec_on(device.port) == "42"


def test_what_was_killed_with_its_holder_is_taken_back(labgrid):
    with hold(labgrid, "hosta-sim1") as holder:
        children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
        (side,) = [int(pid) for pid in children]
        os.kill(side, signal.SIGKILL)
        holder.kill()
    assert set(labgrid.holders()) == {"hosta-sim1"}
    with labgrid.lease("hosta-sim1") as device:
        assert exec_on(device.port) == "42"


def test_a_run_that_loses_its_place_is_blocked_and_says_to_whom(labgrid, run, tmp_path, monkeypatch):
    (tmp_path / "test_long.py").write_text(TESTS)
    is_waiting, run_is_over = threading.Event(), threading.Event()

    def wait_for_it() -> None:
        with labgrid.lease("hosta-sim2", 120, lambda line: is_waiting.set()):
            run_is_over.wait(120)

    def take(_: subprocess.Popen[str]) -> None:
        as_other_user(monkeypatch, tmp_path)
        rival.start()
        assert is_waiting.wait(60)
        labgrid.client("-p", "hosta-sim2", "release", "--kick")

    rival = threading.Thread(target=wait_for_it, daemon=True)
    ended = run(
        *("pytest", str(tmp_path), "-s", "-p", "no:cacheprovider", "--device", "labgrid:hosta-sim2"),
        *("--hil-results", str(tmp_path / "results"), "--hil-coordinator", labgrid.coordinator),
        env=NETWORK_VARIABLES,
        when=("under way", take),
    )
    run_is_over.set()
    rival.join(30)
    assert ended.code == 6, ended.out
    loss = r"labgrid:hosta-sim2: eve on elsewhere took the labgrid place hosta-sim2 from this run at 20\d\d-"
    assert re.search(loss, ended.out), ended.out
    assert "1 passed" not in ended.out
    assert "cannot be brought back" not in ended.out
    assert ended.left_running() == []


def test_power_is_a_rung_of_the_ladder_by_labgrids_driver(labgrid):
    with Board("labgrid:own", labgrid.settings) as board:
        before = list(labgrid.relay.requests)
        rung = next(rung for rung in board.recovery._ladder._rungs if rung.name == "USB power")
        attempt = board.recovery._ladder._attempt(rung)
    assert attempt.ok, attempt
    assert labgrid.relay.requests[len(before) :] == ["/relay/0/0", "/relay/0/1"]
    with labgrid.lease("hosta-sim1") as device:
        assert device.power_cycle is None
        assert device.no_power == "the labgrid place hosta-sim1 has nothing that switches it"


BAD_PLACES = {
    "hosta-sim3": r"has no place hosta-sim3\. Did you mean labgrid:hosta-sim[12]\?",
    "power-only": r"power-only has no serial port, only good/NetworkPowerPort/NetworkPowerPort",
    "gone": r"nothing offers hostc/board/\*, which belongs to the labgrid place gone\. See whether .* hostc",
    "outside": r"the exporter hostb could not start the NetworkSerialPort of the labgrid place outside",
}


@pytest.mark.parametrize("place", BAD_PLACES)
def test_a_place_without_a_board_is_one_sentence(labgrid, command, place):
    ended = command("deploy", "--device", f"labgrid:{place}", "--hil-coordinator", labgrid.coordinator)
    assert ended.code == 6
    assert re.search(BAD_PLACES[place], ended.out), ended.out
    assert "Traceback" not in ended.out


def test_devices_lists_places_and_who_has_them(labgrid, command):
    with labgrid.lease("hosta-sim1"):
        ended = command("devices", env={"LG_COORDINATOR": labgrid.coordinator})
    assert ended.code == 0
    assert re.search(r"labgrid:hosta-sim1 .*board=virtual kind=esp32; hosta/hosta-sim1.* on .* since 20", ended.out)
    assert re.search(r"labgrid:gone .*no exporter offers it +-$", ended.out, re.MULTILINE)


def test_no_coordinator_or_something_else_there_is_one_sentence(labgrid, command):
    port = free_port()
    ended = command("deploy", "--device", "labgrid:x", "--hil-coordinator", f"127.0.0.1:{port}")
    assert ended.code == 6
    assert f"no labgrid coordinator answers at 127.0.0.1:{port}. See whether it runs" in ended.out
    ended = command("devices", "--hil-coordinator", f"127.0.0.1:{port}")
    assert ended.code == 0
    assert "no labgrid coordinator answers" in ended.out
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(LabError, match="does not speak as a coordinator of labgrid"):
            Connection(f"127.0.0.1:{server.server_address[1]}")
        server.shutdown()


def test_a_coordinator_that_restarts_ends_the_lease(labgrid, tmp_path, faulty):
    port, virtual = free_port(), faulty()
    address = f"127.0.0.1:{port}"
    file = tmp_path / "exporter.yaml"
    file.write_text(f"b: {{RawSerialPort: {{port: {os.path.realpath(virtual.path)}, speed: 115200}}}}\n")
    exporter = labgrid.environment.program("labgrid-exporter")
    words = (exporter, "-c", address, "-n", "h", "--hostname", "127.0.0.1", str(file))
    with ExitStack() as servers, ExitStack() as stack:
        first = servers.enter_context(coordinator(tmp_path, labgrid.environment, port))
        servers.enter_context(process(tmp_path, "exporter", "queued update for resource b", *words))
        offer = stack.enter_context(closing(Connection(address)))
        offer.request("offer", {"places": [{"name": "p", "pattern": "h/b/*", "tags": {}}]})
        device = stack.enter_context(open_device("labgrid:p", Settings(coordinator=address)))
        session = stack.enter_context(closing(Session(device.port, 115200, explain=device.explain)))
        session.repl()
        first.kill()
        first.wait()
        servers.enter_context(coordinator(tmp_path, labgrid.environment, port))
        with pytest.raises(LeaseLostError, match=f"coordinator at {address} was restarted.* the place p"):
            exec_for(session, 60)
        with pytest.raises(LeaseLostError, match="was restarted"):
            device.check()
