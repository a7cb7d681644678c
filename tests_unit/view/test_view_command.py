"""``camrig view`` through the front door: what it refuses in one sentence, and a camera that needs no serial line."""

from __future__ import annotations

import signal
import socket
import threading
from http.client import HTTPConnection
from unittest.mock import MagicMock

import pytest
from camrig.errors import EXIT_BLOCKED, EXIT_USAGE, BootError
from camrig.settings.resolve import Settings
from camrig.view import run as view_run

from tests_unit.device.conftest import free_port


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["http://127.0.0.1:9"], EXIT_BLOCKED, "http://127.0.0.1:9: no HTTP answer: 127.0.0.1:9: [Errno 111]"),
        (["--hil-url", "http://127.0.0.1:9"], EXIT_BLOCKED, "http://127.0.0.1:9: no HTTP answer"),
        (["http://user:secret@127.0.0.1:9"], EXIT_BLOCKED, "camrig: http://127.0.0.1:9: no HTTP answer"),
        (["http://127.0.0.1:9/stream"], EXIT_USAGE, "must be http://HOST:PORT, without a path"),
        (["192.168.1.20"], EXIT_USAGE, "must be http://HOST:PORT"),
        (["http://127.0.0.1:9", "--device", "auto"], EXIT_USAGE, "Give the one or the other"),
        (["http://127.0.0.1:9", "--allow"], EXIT_USAGE, "Give the one or the other"),
        (["--device", "/dev/ttyNONE"], EXIT_BLOCKED, "there is no port /dev/ttyNONE"),
        (["--device", "sim", "--device", "auto"], EXIT_USAGE, "view takes one --device"),
        (["--page-port", "0"], EXIT_USAGE, "0 is not a port from 1 to 65535"),
        (["--page-port", "99999"], EXIT_USAGE, "99999 is not a port from 1 to 65535"),
    ],
)
def test_what_cannot_be_shown_is_one_sentence(command, arguments, code, words):
    port = [] if "--page-port" in arguments else ["--page-port", str(free_port())]
    ended = command("view", *arguments, *port)
    assert ended.code == code
    assert words in ended.out
    assert "Traceback" not in ended.out
    assert "secret" not in ended.out


def test_a_port_that_is_in_use_is_said_before_any_board_is_touched(command):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = command("view", "--page-port", str(port))
    assert ended.code == EXIT_BLOCKED
    assert ended.out == (
        f"camrig: port {port} of this computer is in use. Name another for the page, as in --page-port 8091.\n"
    )


@pytest.mark.parametrize("origin", [None, "http://localhost:8090"])
def test_for_a_board_without_an_application_allow_is_named(monkeypatch, origin):
    board = MagicMock()
    board.__enter__.return_value = board
    board.boot.side_effect = BootError("main.py ended", board="/dev/ttyUSB0", hint="it has to print")
    monkeypatch.setattr(view_run, "Board", lambda *arguments: board)
    settings = Settings(device=("/dev/ttyUSB0",))
    with pytest.raises(BootError) as raised, view_run._serving(settings, None, origin):
        pass
    ending = "" if origin else "; --allow puts the application on the board first"
    assert str(raised.value) == f"/dev/ttyUSB0: main.py ended. It has to print{ending}."


def test_what_answers_but_does_not_speak_http_is_one_sentence(command):
    with socket.socket() as telnet:
        telnet.bind(("127.0.0.1", 0))
        telnet.listen()
        threading.Thread(target=lambda: telnet.accept()[0].sendall(b"login: \x1b[2J\n"), daemon=True).start()
        url = f"http://127.0.0.1:{telnet.getsockname()[1]}"
        ended = command("view", url, "--page-port", str(free_port()))
    assert ended.code == EXIT_BLOCKED
    assert f"{url}: no HTTP answer: the server sent" in ended.out
    assert "\x1b" not in ended.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_camera_without_a_serial_line_is_shown_until_it_is_ended(run, camera, number):
    board, port = camera(), free_port()
    states = []

    def look(process):
        connection = HTTPConnection("localhost", port, timeout=20)
        connection.request("GET", "/")
        states.append(board.url in connection.getresponse().read().decode())
        process.send_signal(number)

    ended = run("camrig", "view", board.url, "--page-port", str(port), when=("Ctrl-C ends it", look))
    assert states == [True]
    assert ended.code == 0
    assert ended.out.endswith("Ctrl-C ends it.\nended\n")
    assert f"its page     http://localhost:{port}" in ended.out
    assert ended.left_running() == []
