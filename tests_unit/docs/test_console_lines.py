"""The lines of the console that docs/own-firmware.md names, in every form, printed by an application on a board."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from camrig.board.console_parser import ConsoleParser
from camrig.board.events import Serving
from camrig.bringup.board import Board
from camrig.dut import Dut
from camrig.errors import AgentError, BootError, CamrigError, WifiError
from camrig.settings.resolve import resolve

from tests_unit.docs.cistern import PAGE, WIFI, make_cistern
from tests_unit.docs.page import codes

SERVES = PAGE.sentence("Print the line `serving")
WIFI_LINES = PAGE.sentence("Optional lines make errors clearer")


@pytest.fixture
def boot(virtual, tmp_path) -> Callable[[dict[str, str]], Dut]:
    """Boots the page's application after some of its files were replaced."""
    repository = make_cistern(tmp_path)

    def call(changed: dict[str, str]) -> Dut:
        for name, text in changed.items():
            (repository / "firmware/app" / name).write_text(text)
        flags = {"device": [virtual.path], "boot_timeout": 60.0}
        with Board(virtual.path, resolve(flags, WIFI, repository)) as board:
            board.deploy(measure_imports=False)
            return board.boot()

    return call


def prints(*lines: str) -> dict[str, str]:
    """A main.py that prints these lines and goes on."""
    printed = "".join(f"print({line!r})\n" for line in lines)
    return {"main.py": f"import time\nfrom microdot.cors import CORS\n{printed}while True:\n    time.sleep(1)\n"}


def test_the_line_of_the_server_alone_or_behind_a_word():
    url = "http://192.168.4.7:8080"
    for form in codes(SERVES):
        line = form.replace("http://ADDRESS:PORT", url).replace("http://…", url)
        assert ConsoleParser().feed(f"{line}\r\n".encode()) == [Serving(url)], form
    for line in (f"my camera: serving {url}", f"serving at {url}", f"serving {url} now", f"Serving {url}"):
        assert ConsoleParser().feed(f"{line}\r\n".encode()) == [], line


def test_a_line_with_two_words_in_front_is_quoted(boot):
    with pytest.raises(BootError) as caught:
        boot({"main.py": "from microdot.cors import CORS\nprint('my cistern: serving http://127.0.0.1:8080')\n"})
    assert "'my cistern: serving http://127.0.0.1:8080' is not the ready line" in str(caught.value)


CLEARER = {
    "camrig: wifi failed no-such-network": "does not find the Wi-Fi network 'garden'",
    "wrong-password": "was refused by the Wi-Fi network 'garden': wrong password",
    "timeout": "got no address from the Wi-Fi network 'garden' in time",
    "refused STATUS": "was refused by the Wi-Fi network 'garden': refused 204",
    "camrig: wifi not configured": "has no Wi-Fi settings",
}


def test_each_line_about_wifi_makes_its_error(boot):
    assert codes(WIFI_LINES) == [*CLEARER]
    for form, error in CLEARER.items():
        line = form if form.startswith("camrig:") else f"camrig: wifi failed {form}"
        with pytest.raises(WifiError) as caught:
            boot(prints("cistern starts", line.replace("STATUS", "204")))
        assert error in str(caught.value), form


NO_MICRODOT = """
import os, sys
os.rename("/lib/microdot", "/lib/gone")
for name in list(sys.modules):
    if name.startswith("microdot"):
        del sys.modules[name]
"""
OFF = {  # what the application does before it imports and attaches the agent, and the reason of the run
    NO_MICRODOT: "no module named 'microdot'",
    "import microdot\ndel microdot.Response\n": "no module named 'microdot.Response'",
    "app = type('Wrapped', (), {'start_server': app.start_server, 'server': 1})()\n": "not a Microdot application",
    "__import__('os').remove('/camrig_rig.json')\n": r"OSError\(2",
}


@pytest.mark.parametrize(("code", "reason"), OFF.items(), ids=OFF.values())
def test_an_agent_that_cannot_work_ends_the_run_with_its_reason(boot, tmp_path, code, reason):
    main = next(tmp_path.glob("*/firmware/app/main.py")).read_text()
    with pytest.raises(AgentError, match=f"the rig's agent is off: .*{reason}"):
        boot({"main.py": main.replace("try:\n", f"{code}try:\n", 1)})


def test_a_board_without_a_reason_is_not_called_off(boot):
    with pytest.raises(CamrigError) as caught:
        boot({"cistern.py": "1 / 0\n"})
    assert "agent" not in caught.value.what
    assert "ZeroDivisionError" in caught.value.what
