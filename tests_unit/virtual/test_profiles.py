"""A slow virtual board: each cost is paid where a chip pays it. The costs are scaled down."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from camrig.errors import SettingsError
from camrig.virtual.board import VirtualBoard, VirtualConfig
from camrig.virtual.profiles import PROFILES, SLOW_CHIP, Costs, find_costs

from tests_unit.virtual.conftest import SerialClient

COSTS = Costs(flash_block=0.2, socket_call=0.02, collection=0.1, boot=0.3)
TIMED = "import time, gc, os\nt = time.ticks_ms()\n{}\nprint(time.ticks_diff(time.ticks_ms(), t))"
WRITE = "with open('/f', 'wb') as f: f.write(bytes({}))"
TALK = """import socket
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('0.0.0.0', 8097))
s.listen(1)
c = socket.socket()
c.connect(('0.0.0.0', 8097))
p, _ = s.accept()
for _ in range(10):
    c.send(b'x' * 4)
    p.read(4)
p.close()
c.close()
s.close()"""


@pytest.fixture(scope="module")
def slow() -> Iterator[VirtualBoard]:
    with VirtualBoard.start(VirtualConfig(costs=COSTS)) as board:
        yield board


@pytest.fixture
def milliseconds(slow, connect) -> Callable[[str], int]:
    """How long a piece of code takes on the board."""
    client: SerialClient = connect(slow)

    def run(code: str) -> int:
        return int(client.run(TIMED.format(code)).splitlines()[-1])

    return run


def test_the_profile_is_what_was_seen_on_emulated_firmware():
    assert Costs(1.0, 0.01, 0.5, 8.0) == SLOW_CHIP
    assert find_costs("slow-chip") == SLOW_CHIP
    assert SLOW_CHIP.scaled(0.5) == Costs(0.5, 0.005, 0.25, 4.0)


@pytest.mark.parametrize(
    ("name", "hint"), [("slow-chp", "did you mean slow-chip"), ("x", "slow-chip"), ("", "slow-chip")]
)
def test_an_unknown_profile_is_an_error_of_settings(name, hint):
    with pytest.raises(SettingsError, match="no profile") as caught:
        find_costs(name)
    assert hint in caught.value.hint
    assert name not in PROFILES


@pytest.mark.parametrize("blocks", [1, 3])
def test_a_flash_write_takes_its_time(milliseconds, blocks):
    assert milliseconds(WRITE.format(blocks * 4096)) >= 200 * blocks


def test_a_collection_takes_its_time(milliseconds):
    assert milliseconds("gc.collect()\ngc.collect()") >= 200


def test_a_socket_call_takes_its_time(milliseconds):
    assert milliseconds(TALK) >= 10 * 20


def test_ctrl_c_comes_after_the_flash_write(slow, connect):
    client: SerialClient = connect(slow)
    raw = client.raw()
    raw.exec_raw_no_follow(f"print('go')\n{WRITE.format(6000)}\nwhile True: pass")
    client.until(b"go\r\n")
    client.type(b"\x03")
    assert b"KeyboardInterrupt" in client.until(b"\x04>")
    assert "boot.py" in client.run("import os\nprint(os.listdir('/'))")


@pytest.mark.parametrize(("reset", "least"), [("machine.reset()", 0.3), ("machine.soft_reset()", 0.0)])
def test_a_boot_takes_its_time_after_a_hard_reset(slow, connect, reset, least):
    client: SerialClient = connect(slow)
    raw = client.raw()
    start = time.monotonic()
    raw.exec_raw_no_follow(f"import machine\n{reset}")
    client.until(b"raw REPL; CTRL-B to exit\r\n" if "soft" in reset else b">>> ")
    assert time.monotonic() - start >= least
